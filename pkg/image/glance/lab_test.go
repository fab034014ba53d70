package glance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

	"github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/image/web"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// cloud is the lab's Glance behind a proxy of the test's, as alice sees it.
type cloud struct {
	*Store
	t       *testing.T
	session *keystone.Session
	name    string // of images, which are deleted in the end
	files   *file.Store

	mu    sync.Mutex
	spoil func(http.ResponseWriter, *http.Request) bool // true: it has answered itself
	seen  []string
}

// newCloud skips where the lab does not run; in CI that is a failure.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	lab := os.Getenv("YSTACK_LAB")
	clouds := filepath.Join(lab, "etc", "clouds.yaml")
	if _, err := os.Stat(clouds); lab == "" || err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the lab does not run; `make test` starts it")
		}
		t.Skip("the lab does not run; `make test` starts it")
	}
	var suffix [6]byte
	_, _ = rand.Read(suffix[:])
	c := &cloud{t: t, name: "test-" + hex.EncodeToString(suffix[:]), files: &file.Store{Dir: t.TempDir()}}
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab-alice", Dir: t.TempDir(), ConfigDirs: []string{}, Getenv: func(name string) string {
		return map[string]string{"OS_CLIENT_CONFIG_FILE": clouds}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(cfg, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	c.session = keystone.NewSession(client, cfg)
	endpoint, err := c.session.Endpoint(t.Context(), "image")
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	proxy.ErrorLog = nil
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.seen = append(c.seen, r.Method+" "+r.URL.Path)
		spoil := c.spoil
		c.mu.Unlock()
		if spoil == nil || !spoil(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	cfg.Endpoints = map[string]string{"image": server.URL}
	c.Store = &Store{Session: c.session, Poll: 100 * time.Millisecond}
	t.Cleanup(c.cleanUp)
	return c
}

func (c *cloud) onRequest(spoil func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoil = spoil
}

// cleanUp deletes every image whose name begins with the test's.
func (c *cloud) cleanUp() {
	c.onRequest(nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, r := range c.all(ctx) {
		if r.Protected {
			_, _ = c.patch(ctx, r.info(c.ref(), ""), "unprotect", []change{{"replace", "/protected", false}})
		}
		if err := c.remove(ctx, c.ref(), r.ID); err != nil {
			c.t.Errorf("%s stays behind: %v", r.ID, err)
		}
	}
}

// all are the images of the test, whatever their state.
func (c *cloud) all(ctx context.Context) []*record {
	c.t.Helper()
	found, err := c.search(ctx, c.ref(), url.Values{"limit": {"100"}})
	if err != nil {
		c.t.Error(err)
	}
	var own []*record
	for _, r := range found {
		if strings.HasPrefix(r.Name, c.name) {
			own = append(own, r)
		}
	}
	return own
}

func (c *cloud) ref() store.Ref { return store.Ref{Scheme: store.Glance, Name: c.name} }

// file makes one of random content.
func (c *cloud) file(name string, size int) store.Ref {
	c.t.Helper()
	f, err := os.Create(filepath.Join(c.files.Dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.CopyN(f, rand.Reader, int64(size)); err != nil {
		c.t.Fatal(err)
	}
	return store.Ref{Scheme: store.File, Name: name}
}

func (c *cloud) read(r store.Ref) string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.files.Dir, r.Name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

func (c *cloud) copier() *store.Copier {
	return &store.Copier{Pause: 10 * time.Millisecond, Open: func(r store.Ref) (store.Store, error) {
		switch r.Scheme {
		case store.File:
			return c.files, nil
		case store.HTTP:
			return &web.Store{Client: http.DefaultClient, UserAgent: "Go-test"}, nil
		}
		return c.Store, nil
	}}
}

// copy copies and returns the only outcome.
func (c *cloud) copy(r store.Request) (store.Outcome, error) {
	c.t.Helper()
	_, outcomes, err := c.copier().Copy(c.t.Context(), r)
	if err != nil && len(outcomes) == 0 {
		return store.Outcome{}, err
	}
	return outcomes[0], err
}

func (c *cloud) mustCopy(r store.Request, want store.Result) store.Outcome {
	c.t.Helper()
	o, err := c.copy(r)
	if err != nil || o.Err != nil || o.Result != want {
		c.t.Fatalf("%+v, %v; want %s", o, err, want)
	}
	return o
}

// nothing makes sure that no image is left, finished or not.
func (c *cloud) nothing() {
	c.t.Helper()
	for _, r := range c.all(c.t.Context()) {
		c.t.Errorf("left behind: %s %s %s", r.Name, r.ID, r.Status)
	}
}

const size = 3 << 20

func TestLabRoundTrip(t *testing.T) {
	c := newCloud(t)
	from, back := c.file("a.raw", size), store.Ref{Scheme: store.File, Name: "b.raw"}
	up := store.Request{
		From: from, To: []store.Ref{c.ref()}, Tags: []string{"x"}, Visibility: "private", Protected: true,
		Properties: map[string]string{store.App: c.name, store.Revision: "r1", "hw_disk_bus": "virtio", "min_disk": "1"},
	}
	o := c.mustCopy(up, store.Copied)
	i, err := c.Stat(t.Context(), c.ref())
	if err != nil {
		t.Fatal(err)
	}
	if i.State != store.Active || !i.Protected || i.Visibility != "private" || len(i.Tags) != 1 || i.Size != size || i.Format != "raw" ||
		i.Properties["hw_disk_bus"] != "virtio" || i.Properties["min_disk"] != "1" || i.Properties[store.SHA256] == "" || i.Properties[unfinished] != "" {
		t.Errorf("%+v", i)
	}
	if byID, err := c.Stat(t.Context(), store.Ref{Scheme: store.Glance, Name: o.Info.ID}); err != nil || byID.ID != i.ID {
		t.Errorf("by id: %+v, %v", byID, err)
	}
	c.mustCopy(up, store.Present)
	c.mustCopy(store.Request{From: c.ref(), To: []store.Ref{back}}, store.Copied)
	if c.read(from) != c.read(back) {
		t.Error("other content came back")
	}
	c.mustCopy(store.Request{From: c.ref(), To: []store.Ref{back}}, store.Present)
	if _, err := c.copier().Verify(t.Context(), c.Store, i); err != nil {
		t.Error(err)
	}
	found, err := c.List(t.Context(), store.Ref{Scheme: store.Glance}, c.name)
	if err != nil || len(found) != 1 || found[0].Ref != c.ref() {
		t.Errorf("list: %+v, %v", found, err)
	}
	if err := c.Delete(t.Context(), i); !errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), "unprotected") {
		t.Errorf("delete a protected image: %v", err)
	}
}

func TestLabImport(t *testing.T) {
	c := newCloud(t)
	c.Import = true
	c.mustCopy(store.Request{From: c.file("a.raw", size), To: []store.Ref{c.ref()}}, store.Copied)
	if n := len(c.all(t.Context())); n != 1 {
		t.Errorf("%d images", n)
	}
}

// TestLabNames: a name that others have, too.
func TestLabNames(t *testing.T) {
	c := newCloud(t)
	a, b := c.file("a.raw", 100), c.file("b.raw", 100)
	made := c.mustCopy(store.Request{From: a, To: []store.Ref{c.ref()}}, store.Copied)
	if o, _ := c.copy(store.Request{From: b, To: []store.Ref{c.ref()}}); !errors.Is(o.Err, store.ErrTaken) {
		t.Errorf("another content: %+v", o)
	}
	// Somebody uses the same name a second time.
	again, err := c.create(t.Context(), c.ref(), &store.Upload{Format: "raw"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.patch(t.Context(), again.info(c.ref(), ""), "take the mark off", []change{{Op: "remove", Path: "/" + unfinished}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.copy(store.Request{From: c.ref(), To: []store.Ref{{Scheme: store.File, Name: "c"}}}); !errors.Is(err, store.ErrAmbiguous) ||
		!strings.Contains(err.Error(), made.Info.ID) || !strings.Contains(err.Error(), again.ID) {
		t.Errorf("two of a name: %v", err)
	}
	c.mustCopy(store.Request{From: a, To: []store.Ref{c.ref()}}, store.Present)
	byID := store.Ref{Scheme: store.Glance, Name: made.Info.ID}
	c.mustCopy(store.Request{From: byID, To: []store.Ref{{Scheme: store.File, Name: "c"}}}, store.Copied)
	if o, _ := c.copy(store.Request{From: b, To: []store.Ref{{Scheme: store.Glance, Name: "00000000-0000-4000-8000-000000000000"}}}); !errors.Is(o.Err, store.ErrTaken) {
		t.Errorf("an id as a name: %+v", o)
	}
}

// TestLabStates: an image that cannot be read is not waited for.
func TestLabStates(t *testing.T) {
	c := newCloud(t)
	made, err := c.create(t.Context(), c.ref(), &store.Upload{Format: "raw"})
	if err != nil {
		t.Fatal(err)
	}
	status := "queued"
	c.onRequest(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == imagePath(made.ID) {
			fmt.Fprintf(w, `{"id": %q, "name": "x", "status": %q}`, made.ID, status)
			return true
		}
		return false
	})
	c.Limit = 300 * time.Millisecond
	r := store.Request{From: store.Ref{Scheme: store.Glance, Name: made.ID}, To: []store.Ref{{Scheme: store.File, Name: "x"}}}
	for now, want := range map[string]error{
		"queued": store.ErrNotReady, "killed": store.ErrNotReady, "deleted": store.ErrNotReady, "pending_delete": store.ErrNotReady,
		"deactivated": store.ErrNotReady, "saving": store.ErrStalled, "importing": store.ErrStalled,
	} {
		status = now
		if _, err := c.copy(r); !errors.Is(err, want) || !strings.Contains(err.Error(), now) {
			t.Errorf("%s: %v", now, err)
		}
	}
}

// TestLabSweep: what a killed copy left is deleted by the next, but nothing that is
// somebody else's or under way.
func TestLabSweep(t *testing.T) {
	c := newCloud(t)
	from := c.file("a.raw", 100)
	left, err := c.create(t.Context(), c.ref(), &store.Upload{Format: "raw"})
	if err != nil {
		t.Fatal(err)
	}
	o := c.mustCopy(store.Request{From: from, To: []store.Ref{c.ref()}}, store.Copied)
	if all := c.all(t.Context()); len(all) != 1 || all[0].ID == left.ID || all[0].ID != o.Info.ID {
		t.Errorf("%+v", all)
	}
}

func TestLabForbidden(t *testing.T) {
	c := newCloud(t)
	_, err := c.copy(store.Request{From: store.Ref{Scheme: store.Glance, Name: c.name + "-none"}, To: []store.Ref{{Scheme: store.File, Name: "x"}}})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such image: %v", err)
	}
	o, _ := c.copy(store.Request{From: c.file("a.raw", 10), To: []store.Ref{c.ref()}, Visibility: "public"})
	if !errors.Is(o.Err, store.ErrDenied) {
		t.Errorf("public as a member: %+v", o)
	}
	o, _ = c.copy(store.Request{From: c.file("b.raw", 10), To: []store.Ref{c.ref()}, Format: "nonsense"})
	if o.Err == nil || !strings.Contains(o.Err.Error(), "nonsense") {
		t.Errorf("a format that there is not: %+v", o)
	}
	c.nothing()
}
