// Package artifactorytest is a stand-in for Artifactory, which is not free software: as
// much of its documented protocol as ystack uses.
//
// It has: generic repositories (deploy, deploy by checksum, ranged download, delete,
// file and folder info), checksum headers and the refusal of wrong ones, properties in
// paths (matrix parameters), read and changed by themselves, AQL's items.find with
// equality, $eq and $match on repo, type and properties, bearer tokens and API keys, its
// error JSON, and a size limit that stands for a full disk.
//
// It leaves out: users, groups and permissions (a token may do all or nothing),
// repositories other than local generic ones (the docker repository is registrytest's
// part), checksum policies other than the default, folders' own properties, AQL's other
// domains, operators, sort, limit and paging, multipart upload, redirects of downloads
// to a storage service, trash can, replication, and the user interface.
package artifactorytest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is an Artifactory with some repositories. Change the fields before it is used.
type Server struct {
	// Token is what requests must carry; empty lets everybody in.
	Token string
	// Limit is the largest content that it takes; 0 for any.
	Limit int64

	repositories map[string]bool
	dir          string // contents, by their SHA-256

	mu       sync.Mutex
	items    map[string]*item // by REPOSITORY/PATH
	received int64
}

type item struct {
	repo, path string
	size       int64
	created    time.Time
	sums       map[string]string
	properties map[string][]string
}

// New is a server that keeps contents in a directory.
func New(dir string, repositories ...string) *Server {
	s := &Server{dir: dir, items: map[string]*item{}, repositories: map[string]bool{}}
	for _, name := range repositories {
		s.repositories[name] = true
	}
	return s
}

// Start runs a server with a repository called images until the test ends, and returns
// it with its URL, which ends in /artifactory.
func Start(t testing.TB) (*Server, string) {
	t.Helper()
	s := New(t.TempDir(), "images")
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL + "/artifactory"
}

// Received counts the bytes of content that clients have sent.
func (s *Server) Received() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received
}

// Damage flips a bit of a file's content, as a failing disk would.
func (s *Server) Damage(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := s.content(s.items[name].sums["sha256"])
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(file, data, 0o600)
}

func (s *Server) content(sha256 string) string { return s.dir + "/" + sha256 }

// ServeHTTP routes as Artifactory does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/artifactory/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token && r.Header.Get("X-Jfrog-Art-Api") != s.Token {
		fail(w, http.StatusUnauthorized, "Props Authentication Token not found")
		return
	}
	storage, isStorage := strings.CutPrefix(path, "api/storage/")
	metadata, isMetadata := strings.CutPrefix(path, "api/metadata/")
	switch {
	case path == "api/search/aql" && r.Method == http.MethodPost:
		s.search(w, r)
	case isStorage && r.Method == http.MethodGet:
		s.describe(w, r, storage)
	case isMetadata && r.Method == http.MethodPatch:
		s.annotate(w, r, metadata)
	case strings.HasPrefix(path, "api/"):
		fail(w, http.StatusNotFound, "Not Found")
	case r.Method == http.MethodPut:
		s.deploy(w, r, path)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		s.download(w, r, path)
	case r.Method == http.MethodDelete:
		s.remove(w, path)
	default:
		fail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	}
}

// fail answers with Artifactory's error JSON.
func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"errors": []any{map[string]any{"status": status, "message": message}}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
