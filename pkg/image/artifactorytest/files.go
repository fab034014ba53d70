package artifactorytest

import (
	"crypto/md5"  //nolint:gosec // what Artifactory computes
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// split separates repository, path and matrix parameters.
func split(name string) (repo, file string, properties map[string][]string) {
	name, matrix, _ := strings.Cut(name, ";")
	repo, file, _ = strings.Cut(name, "/")
	properties = map[string][]string{}
	for _, pair := range strings.Split(matrix, ";") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			properties[key] = strings.Split(value, ",")
		}
	}
	return repo, file, properties
}

func (s *Server) deploy(w http.ResponseWriter, r *http.Request, name string) {
	repo, file, properties := split(name)
	if !s.repositories[repo] {
		fail(w, http.StatusNotFound, fmt.Sprintf("Failed to find Repository '%s'.", repo))
		return
	}
	if r.Header.Get("X-Checksum-Deploy") == "true" {
		s.deployByChecksum(w, r, repo, file, properties)
		return
	}
	sums, size, err := s.receive(r)
	switch {
	case err != nil:
		fail(w, http.StatusInternalServerError, "Failed to read the request body: "+err.Error())
		return
	case s.Limit > 0 && size > s.Limit:
		fail(w, http.StatusRequestEntityTooLarge, "Datastore disk usage is too high.")
		return
	}
	for algorithm, got := range sums {
		if want := r.Header.Get("X-Checksum-" + algorithm); want != "" && want != got {
			fail(w, http.StatusConflict, fmt.Sprintf("Checksum error: received '%s' but actual is '%s'.", want, got))
			return
		}
	}
	s.put(w, &item{repo, file, size, time.Now(), sums, properties})
}

func (s *Server) deployByChecksum(w http.ResponseWriter, r *http.Request, repo, file string, properties map[string][]string) {
	for _, algorithm := range []string{"sha256", "sha1"} {
		want := r.Header.Get("X-Checksum-" + algorithm)
		if known := s.byChecksum(algorithm, want); known != nil {
			s.put(w, &item{repo, file, known.size, time.Now(), known.sums, properties})
			return
		}
	}
	fail(w, http.StatusNotFound, "Checksum deploy failed. No existing file with SHA-1: "+r.Header.Get("X-Checksum-Sha1"))
}

func (s *Server) byChecksum(algorithm, sum string) *item {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.items {
		if sum != "" && i.sums[algorithm] == sum {
			return i
		}
	}
	return nil
}

// receive stores the content under its SHA-256.
func (s *Server) receive(r *http.Request) (map[string]string, int64, error) {
	f, err := os.CreateTemp(s.dir, "incoming-")
	if err != nil {
		return nil, 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	hashes := map[string]hash.Hash{"sha256": sha256.New(), "sha1": sha1.New(), "md5": md5.New()} //nolint:gosec // likewise
	size, err := io.Copy(io.MultiWriter(f, hashes["sha256"], hashes["sha1"], hashes["md5"]), r.Body)
	s.mu.Lock()
	s.received += size
	s.mu.Unlock()
	if err != nil {
		return nil, 0, err
	}
	sums := map[string]string{}
	for algorithm, h := range hashes {
		sums[algorithm] = hex.EncodeToString(h.Sum(nil))
	}
	return sums, size, os.Rename(f.Name(), s.content(sums["sha256"]))
}

func (s *Server) put(w http.ResponseWriter, i *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[i.repo+"/"+i.path] = i
	answer(w, http.StatusCreated, i.describe())
}

func (i *item) describe() map[string]any {
	return map[string]any{
		"repo": i.repo, "path": "/" + i.path, "created": i.created.Format("2006-01-02T15:04:05.000Z07:00"), "createdBy": "somebody",
		"mimeType": "application/octet-stream", "size": strconv.FormatInt(i.size, 10), "checksums": i.sums,
	}
}

func (s *Server) find(name string) *item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[name]
}

func (s *Server) describe(w http.ResponseWriter, r *http.Request, name string) {
	i := s.find(name)
	switch {
	case i == nil && s.folder(name):
		answer(w, http.StatusOK, map[string]any{"repo": strings.Split(name, "/")[0], "path": "/" + path.Base(name), "children": []any{}})
	case i == nil:
		fail(w, http.StatusNotFound, "Unable to find item")
	case r.URL.Query().Has("properties") && len(i.properties) == 0:
		fail(w, http.StatusNotFound, "No properties could be found.")
	case r.URL.Query().Has("properties"):
		answer(w, http.StatusOK, map[string]any{"properties": i.properties})
	default:
		answer(w, http.StatusOK, i.describe())
	}
}

func (s *Server) folder(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for known := range s.items {
		if strings.HasPrefix(known, name+"/") {
			return true
		}
	}
	return false
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, name string) {
	i := s.find(name)
	if i == nil {
		fail(w, http.StatusNotFound, "File not found.")
		return
	}
	f, err := os.Open(s.content(i.sums["sha256"]))
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	defer f.Close()
	w.Header().Set("X-Checksum-Sha256", i.sums["sha256"])
	w.Header().Set("X-Checksum-Sha1", i.sums["sha1"])
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+url.PathEscape(path.Base(i.path)))
	http.ServeContent(w, r, "", i.created, f)
}

func (s *Server) remove(w http.ResponseWriter, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[name] == nil {
		fail(w, http.StatusNotFound, "Could not locate artifact '"+name+"'.")
		return
	}
	delete(s.items, name)
	w.WriteHeader(http.StatusNoContent)
}
