package oci

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// memory is what is written down of an upload.
type memory struct {
	Location string `json:"location"`
	At       int64  `json:"at"`
}

// begin goes on with the upload that an earlier copy of the same content began, if the
// registry still has it, else begins one. Of two copies at once only one remembers: they
// must not write to the same upload.
func (s *Store) begin(ctx context.Context, repo *image.Repository, r store.Ref, u *store.Upload) (*upload, error) {
	file := s.memory(r, u)
	var lock *flock.Flock
	if file != "" && os.MkdirAll(s.StateDir, 0o700) == nil {
		lock = flock.New(file + ".lock")
		if locked, err := lock.TryLock(); err != nil || !locked {
			lock = nil
		}
	}
	if lock == nil {
		return start(ctx, repo, r)
	}
	up := recall(ctx, repo, r, file)
	if up == nil {
		var err error
		if up, err = start(ctx, repo, r); err != nil {
			_ = lock.Unlock()
			return nil, err
		}
	}
	up.memory, up.lock = file, lock
	return up, nil
}

// memory names a file after the destination and the content. Where nothing tells that,
// there is nothing to go on with.
func (s *Store) memory(r store.Ref, u *store.Upload) string {
	content := cmp.Or(u.Known["sha256"], u.Known["sha512"], u.Version)
	if s.StateDir == "" || content == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(r.String() + " " + content))
	return filepath.Join(s.StateDir, hex.EncodeToString(sum[:12])+".json")
}

// recall asks the registry how far it got.
func recall(ctx context.Context, repo *image.Repository, r store.Ref, file string) *upload {
	data, err := os.ReadFile(file)
	var m memory
	if err != nil || json.Unmarshal(data, &m) != nil {
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
	return up
}

func (up *upload) remember() {
	if up.memory == "" {
		return
	}
	data, err := json.Marshal(memory{up.location.String(), up.at})
	if err != nil || os.WriteFile(up.memory, data, 0o600) != nil {
		up.forget() // one can copy without
	}
}

func (up *upload) forget() {
	if up.memory != "" {
		_ = os.Remove(up.memory)
		_ = os.Remove(up.memory + ".lock")
	}
	up.memory = ""
}

// close lets the next copy go on with what is remembered.
func (up *upload) close() {
	if up.lock != nil {
		_ = up.lock.Unlock()
	}
}
