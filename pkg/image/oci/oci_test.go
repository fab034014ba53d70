package oci_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/oci"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// desk has a registry, a directory with files, and a state directory.
type desk struct {
	t     *testing.T
	host  string
	oci   *oci.Store
	files *file.Store
}

func newDesk(t *testing.T, host string) *desk {
	return &desk{t, host, newStore(t), &file.Store{Dir: t.TempDir()}}
}

func newStore(t *testing.T) *oci.Store {
	return &oci.Store{Client: &image.Client{Keychain: authn.NewMultiKeychain()}, StateDir: t.TempDir(), Now: time.Now}
}

// eachRegistry runs a test against the in-process registry and the real one.
func eachRegistry(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("in-process", func(t *testing.T) {
		server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
		t.Cleanup(server.Close)
		test(t, newDesk(t, strings.TrimPrefix(server.URL, "http://")))
	})
	t.Run("docker-registry", func(t *testing.T) { test(t, newDesk(t, registrytest.Start(t))) })
}

func (d *desk) file(name string, size int) store.Ref {
	d.t.Helper()
	data := make([]byte, size)
	_, _ = rand.Read(data)
	if err := os.WriteFile(filepath.Join(d.files.Dir, name), data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.at(name)
}

func (d *desk) at(name string) store.Ref { return store.Ref{Scheme: store.File, Name: name} }

func (d *desk) read(name string) string {
	d.t.Helper()
	data, err := os.ReadFile(filepath.Join(d.files.Dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

func (d *desk) ref(repo, tag string) store.Ref {
	return store.Ref{Scheme: store.OCI, Host: d.host, Name: repo, Tag: tag}
}

func (d *desk) copyTo(ctx context.Context, from store.Ref, to ...store.Ref) ([]store.Outcome, error) {
	c := store.Copier{Pause: time.Millisecond, Open: func(r store.Ref) (store.Store, error) {
		if r.Scheme == store.File {
			return d.files, nil
		}
		return d.oci, nil
	}}
	_, outcomes, err := c.Copy(ctx, store.Request{From: from, To: to, Format: "qcow2", Properties: map[string]string{store.App: "hello", store.Revision: "r1", store.Target: "vm"}})
	return outcomes, err
}

func (d *desk) mustCopy(from, to store.Ref, want store.Result) {
	d.t.Helper()
	outcomes, err := d.copyTo(d.t.Context(), from, to)
	if err != nil || outcomes[0].Err != nil || outcomes[0].Result != want {
		d.t.Fatalf("%s → %s: %+v, %v; want %s", from, to, outcomes, err, want)
	}
}

const size = 9<<20 + 5 // two chunks

func TestRoundTrip(t *testing.T) {
	eachRegistry(t, func(t *testing.T, d *desk) {
		from, there := d.file("a", size), d.ref("images/hello", "r1")
		d.mustCopy(from, there, store.Copied)
		i, err := d.oci.Stat(t.Context(), there)
		if err != nil || i.Format != "qcow2" || i.Size != size || i.Properties[store.App] != "hello" || i.Created.IsZero() || i.State != store.Active {
			t.Errorf("%+v, %v", i, err)
		}
		d.mustCopy(from, there, store.Present)
		d.mustCopy(there, d.at("b"), store.Copied)
		if d.read("a") != d.read("b") {
			t.Error("other content came back")
		}
		d.mustCopy(there, d.ref("images/hello", "again"), store.Linked)
		byDigest := there
		byDigest.Tag = i.ID
		d.mustCopy(byDigest, d.at("c"), store.Copied)
		if outcomes, _ := d.copyTo(t.Context(), d.file("other", 10), there); !errors.Is(outcomes[0].Err, store.ErrTaken) {
			t.Errorf("another content: %+v", outcomes)
		}
		if _, err := (&store.Copier{}).Verify(t.Context(), d.oci, i); err != nil {
			t.Error(err)
		}
	})
}

func TestDelete(t *testing.T) {
	d := newDesk(t, registrytest.Start(t))
	there := d.ref("images/hello", "r1")
	d.mustCopy(d.file("a", 10), there, store.Copied)
	i, err := d.oci.Stat(t.Context(), there)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.oci.Delete(t.Context(), i); err != nil {
		t.Error(err)
	}
	if _, err := d.oci.Stat(t.Context(), there); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after deleting: %v", err)
	}
}

// TestMount: another repository of the same registry gets the content without a byte
// being sent, where the registry can do that.
func TestMount(t *testing.T) {
	d := newDesk(t, registrytest.Start(t))
	d.mustCopy(d.file("a", size), d.ref("images/hello", "r1"), store.Copied)
	d.mustCopy(d.ref("images/hello", "r1"), d.ref("other/place", "x"), store.Linked)
	d.mustCopy(d.ref("other/place", "x"), d.at("b"), store.Copied)
	if d.read("a") != d.read("b") {
		t.Error("other content came back")
	}
}

func TestEmpty(t *testing.T) {
	d := newDesk(t, registrytest.Start(t))
	d.mustCopy(d.file("a", 0), d.ref("images/empty", "1"), store.Copied)
	d.mustCopy(d.ref("images/empty", "1"), d.at("b"), store.Copied)
}

func TestList(t *testing.T) {
	d := newDesk(t, registrytest.Start(t))
	d.mustCopy(d.file("a", 10), d.ref("images/hello", "r1"), store.Copied)
	d.mustCopy(d.file("b", 20), d.ref("images/hello", "r2"), store.Copied)
	d.mustCopy(d.file("c", 30), d.ref("elsewhere/hello", "r3"), store.Copied)
	container, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.ParseReference(d.host + "/images/web:r9")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(to, container); err != nil {
		t.Fatal(err)
	}
	place := store.Ref{Scheme: store.OCI, Host: d.host, Name: "images"}
	for application, want := range map[string]string{"": "hello:r1 hello:r2 web:r9", "hello": "hello:r1 hello:r2", "web": "web:r9", "none": ""} {
		found, err := d.oci.List(t.Context(), place, application)
		var got []string
		for _, i := range found {
			got = append(got, strings.TrimPrefix(i.Ref.Name, "images/")+":"+i.Ref.Tag)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v; want %s", application, got, err, want)
		}
	}
	if outcomes, err := d.copyTo(t.Context(), d.ref("images/web", "r9"), d.at("x")); !errors.Is(err, store.ErrNotReady) {
		t.Errorf("a container image: %+v, %v", outcomes, err)
	}
}

// proxy stands before a registry and spoils requests; true means that it has answered.
func (d *desk) proxy(spoil func(w http.ResponseWriter, r *http.Request) bool) {
	d.t.Helper()
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: d.host})
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !spoil(w, r) {
			forward.ServeHTTP(w, r) // Host stays, so that the registry's URLs lead here
		}
	}))
	d.t.Cleanup(server.Close)
	d.host = strings.TrimPrefix(server.URL, "http://")
}

// TestChunkRetried: a chunk that was refused is sent again; one whose answer is lost is
// not sent twice.
func TestChunkRetried(t *testing.T) {
	for name, lost := range map[string]bool{"refused": false, "answer lost": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, registrytest.Start(t))
			behind := &url.URL{Scheme: "http", Host: d.host}
			var mu sync.Mutex
			patches := 0
			d.proxy(func(w http.ResponseWriter, r *http.Request) bool {
				mu.Lock()
				defer mu.Unlock()
				if r.Method != http.MethodPatch {
					return false
				}
				patches++
				if patches != 2 {
					return false
				}
				if lost {
					httputil.NewSingleHostReverseProxy(behind).ServeHTTP(httptest.NewRecorder(), r)
				} else {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			})
			outcomes, err := d.copyTo(t.Context(), d.file("a", size), d.ref("images/hello", "r1"))
			if err != nil {
				t.Fatal(err)
			}
			if lost && outcomes[0].Err != nil {
				// This registry goes on only where it knows that we know it stands. It must not
				// have an image then.
				if _, err := d.oci.Stat(t.Context(), d.ref("images/hello", "r1")); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%v", err)
				}
				return
			}
			d.mustCopy(d.ref("images/hello", "r1"), d.at("b"), store.Copied)
			if d.read("a") != d.read("b") {
				t.Error("other content came back")
			}
		})
	}
}

// TestResume: a copy that is ended in the middle of an upload is gone on with by the
// next, which does not send again what the registry has.
func TestResume(t *testing.T) {
	for name, fromFile := range map[string]bool{"from a registry": false, "from a file": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, registrytest.Start(t))
			source := d.file("a", size)
			if !fromFile {
				there := d.ref("source/hello", "r1")
				d.mustCopy(source, there, store.Copied)
				source = there
				d.host = registrytest.Start(t)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var mu sync.Mutex
			sent, patches := int64(0), 0
			d.proxy(func(_ http.ResponseWriter, r *http.Request) bool {
				mu.Lock()
				defer mu.Unlock()
				if r.Method == http.MethodPatch {
					patches++
					if patches == 2 {
						cancel()
						panic(http.ErrAbortHandler)
					}
					sent += r.ContentLength
				}
				return false
			})
			to := d.ref("images/hello", "r1")
			if outcomes, err := d.copyTo(ctx, source, to); err == nil && outcomes[0].Err == nil {
				t.Fatalf("was not ended: %+v", outcomes)
			}
			d.mustCopy(source, to, store.Copied)
			if sent >= size+1<<20 {
				t.Errorf("%d bytes were sent for an image of %d", sent, size)
			}
			d.mustCopy(to, d.at("b"), store.Copied)
			if d.read("a") != d.read("b") {
				t.Error("other content came back")
			}
			if left, _ := filepath.Glob(filepath.Join(d.oci.StateDir, "*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	d := newDesk(t, registrytest.Start(t))
	there := d.ref("images/hello", "r1")
	from := d.file("a", size)
	d.mustCopy(from, there, store.Copied)
	var mu sync.Mutex
	var spoil func(w http.ResponseWriter, r *http.Request) bool
	d.proxy(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		f := spoil
		mu.Unlock()
		return f(w, r)
	})
	there.Host = d.host
	status := func(method, path string, code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.Contains(r.URL.Path, path) {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, tc := range map[string]struct {
		spoil    func(http.ResponseWriter, *http.Request) bool
		from, to store.Ref
		want     error
		text     string
	}{
		"no push":            {status("POST", "/uploads/", 403, `{"errors":[{"code":"DENIED","message":"read only"}]}`), from, d.ref("x/y", "1"), store.ErrDenied, "read only"},
		"digest refused":     {status("PUT", "/uploads/", 400, `{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}`), from, d.ref("x/y", "2"), store.ErrFailed, "did not match"},
		"manifest refused":   {status("PUT", "/manifests/", 500, ""), from, d.ref("x/y", "3"), store.ErrFailed, "500"},
		"chunks refused":     {status("PATCH", "/uploads/", 400, ""), from, d.ref("x/y", "4"), store.ErrFailed, "400"},
		"another manifest":   {status("GET", "/manifests/", 200, `{}`), there, d.at("w"), store.ErrNotReady, "0 parts"},
		"no manifest":        {status("GET", "/manifests/", 404, ""), there, d.at("w"), store.ErrNotFound, ""},
		"no JSON":            {status("GET", "/manifests/", 200, `<html>`), there, d.at("w"), store.ErrFailed, "no JSON"},
		"no blob":            {status("GET", "/blobs/", 404, ""), there, d.at("w"), store.ErrNotFound, ""},
		"short blob":         {status("GET", "/blobs/", 200, "abc"), there, d.at("w"), store.ErrFailed, "broke off"},
		"blob of other data": {status("GET", "/blobs/", 200, strings.Repeat("x", size)), there, d.at("w"), store.ErrCorrupt, "sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			mu.Lock()
			spoil = tc.spoil
			mu.Unlock()
			outcomes, err := d.copyTo(t.Context(), tc.from, tc.to)
			if err == nil {
				err = outcomes[0].Err
			}
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v; want %v %q", err, tc.want, tc.text)
			}
			mu.Lock()
			spoil = func(http.ResponseWriter, *http.Request) bool { return false }
			mu.Unlock()
			place := store.Store(d.files)
			if tc.to.Scheme == store.OCI {
				place = d.oci
			}
			if _, err := place.Stat(t.Context(), tc.to); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s is there: %v", tc.to, err)
			}
		})
	}
}
