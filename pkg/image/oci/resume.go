package oci

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// memory is what is written down of an upload.
type memory struct {
	Location string `json:"location"`
	At       int64  `json:"at"`
}

// begin goes on with the upload that an earlier copy of the same content began, if the
// registry still has it, else begins one.
func (s *Store) begin(ctx context.Context, repo *image.Repository, r store.Ref, u *store.Upload) (*upload, error) {
	file := s.memory(r, u)
	if up := recall(ctx, repo, r, file); up != nil {
		return up, nil
	}
	up, err := start(ctx, repo, r)
	if err != nil {
		return nil, explain(r, err)
	}
	up.memory = file
	return up, nil
}

// memory names a file after the destination and the content; without a digest of that
// there is nothing to go on with.
func (s *Store) memory(r store.Ref, u *store.Upload) string {
	content := u.Known["sha256"] + u.Known["sha512"]
	if s.StateDir == "" || content == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(r.String() + " " + content))
	return filepath.Join(s.StateDir, hex.EncodeToString(sum[:12])+".json")
}

// recall asks the registry how far it got. Whoever gets the file has the upload: two
// copies at once must not write to the same.
func recall(ctx context.Context, repo *image.Repository, r store.Ref, file string) *upload {
	if file == "" {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil || os.Remove(file) != nil {
		return nil
	}
	var m memory
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	at, err := url.Parse(m.Location)
	if err != nil || at.Host != repo.URL("").Host {
		return nil
	}
	up := &upload{repo: repo, ref: r, location: at}
	if up.do(ctx, http.MethodGet, nil, "", http.StatusNoContent) != nil {
		return nil
	}
	up.memory = file
	return up
}

func (up *upload) remember() {
	if up.memory == "" {
		return
	}
	data, err := json.Marshal(memory{up.location.String(), up.at})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(up.memory), 0o700)
	}
	if err != nil || os.WriteFile(up.memory, data, 0o600) != nil {
		up.memory = "" // one can copy without
	}
}

func (up *upload) forget() {
	if up.memory != "" {
		_ = os.Remove(up.memory)
	}
	up.memory = ""
}
