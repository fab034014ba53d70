package artifactory_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image/artifactory"
	"github.com/ystackdev/ystack/pkg/image/artifactorytest"
	"github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/store"
)

type desk struct {
	t     *testing.T
	store *artifactory.Store
	files *file.Store
}

func newDesk(t *testing.T, address string) *desk {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, &artifactory.Store{URL: at, Client: &http.Client{}, UserAgent: "ystack-test"}, &file.Store{Dir: t.TempDir()}}
}

func (d *desk) ref(name string) store.Ref {
	return store.Ref{Scheme: store.Artifactory, Host: d.store.URL.Host, Name: name}
}

func (d *desk) at(name string) store.Ref { return store.Ref{Scheme: store.File, Name: name} }

func (d *desk) file(name string, size int) store.Ref {
	d.t.Helper()
	data := make([]byte, size)
	_, _ = rand.Read(data)
	if err := os.WriteFile(filepath.Join(d.files.Dir, name), data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.at(name)
}

func (d *desk) read(name string) string {
	d.t.Helper()
	data, err := os.ReadFile(filepath.Join(d.files.Dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

func (d *desk) copy(r store.Request) (store.Outcome, error) {
	d.t.Helper()
	c := store.Copier{Pause: time.Millisecond, Open: func(r store.Ref) (store.Store, error) {
		if r.Scheme == store.File {
			return d.files, nil
		}
		return d.store, nil
	}}
	_, outcomes, err := c.Copy(d.t.Context(), r)
	if len(outcomes) == 0 {
		return store.Outcome{}, err
	}
	return outcomes[0], err
}

func (d *desk) mustCopy(from, to store.Ref, want store.Result) store.Outcome {
	d.t.Helper()
	o, err := d.copy(store.Request{From: from, To: []store.Ref{to}, Properties: map[string]string{store.App: "hello", store.Revision: "r1", "os_note": "a,b;c=d|e\\f/g h"}})
	if err != nil || o.Err != nil || o.Result != want {
		d.t.Fatalf("%s → %s: %+v, %v; want %s", from, to, o, err, want)
	}
	return o
}

const size = 9 << 20

func TestRoundTrip(t *testing.T) {
	server, address := artifactorytest.Start(t)
	server.Token = "sesame"
	d := newDesk(t, address)
	d.store.Authorize = func(r *http.Request) error {
		r.Header.Set("Authorization", "Bearer sesame")
		return nil
	}
	from, there := d.file("a", size), d.ref("images/hello/r1/hello 1+2.qcow2")
	d.mustCopy(from, there, store.Copied)
	i, err := d.store.Stat(t.Context(), there)
	if err != nil || i.Size != size || i.Format != "qcow2" || i.Created.IsZero() || i.Digests["sha256"] == "" ||
		i.Properties[store.App] != "hello" || i.Properties[store.SHA256] != i.Digests["sha256"] || i.Properties["os_note"] != "a,b;c=d|e\\f/g h" {
		t.Errorf("%+v, %v", i, err)
	}
	d.mustCopy(from, there, store.Present)
	d.mustCopy(there, d.at("b"), store.Copied)
	if d.read("a") != d.read("b") {
		t.Error("other content came back")
	}
	if o, _ := d.copy(store.Request{From: d.file("other", 10), To: []store.Ref{there}}); !errors.Is(o.Err, store.ErrTaken) {
		t.Errorf("another content: %+v", o)
	}
	if err := d.store.Delete(t.Context(), i); err != nil {
		t.Error(err)
	}
	if _, err := d.store.Stat(t.Context(), there); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after deleting: %v", err)
	}
}

// TestChecksumDeploy: what Artifactory has, it does not get again.
func TestChecksumDeploy(t *testing.T) {
	server, address := artifactorytest.Start(t)
	d := newDesk(t, address)
	d.mustCopy(d.file("a", size), d.ref("images/a.raw"), store.Copied)
	if server.Received() != size {
		t.Errorf("%d bytes were sent", server.Received())
	}
	d.mustCopy(d.ref("images/a.raw"), d.ref("images/b.raw"), store.Linked)
	if server.Received() != size {
		t.Errorf("%d bytes were sent again", server.Received()-size)
	}
	d.mustCopy(d.ref("images/b.raw"), d.at("b"), store.Copied)
	if d.read("a") != d.read("b") {
		t.Error("other content came back")
	}
}

func TestEmpty(t *testing.T) {
	_, address := artifactorytest.Start(t)
	d := newDesk(t, address)
	d.mustCopy(d.file("a", 0), d.ref("images/a.raw"), store.Copied)
	d.mustCopy(d.ref("images/a.raw"), d.at("b"), store.Copied)
}

func TestList(t *testing.T) {
	_, address := artifactorytest.Start(t)
	d := newDesk(t, address)
	d.mustCopy(d.file("a", 10), d.ref("images/hello/r1/hello-r1.raw"), store.Copied)
	d.mustCopy(d.file("b", 10), d.ref("images/top.raw"), store.Copied)
	if o, err := d.copy(store.Request{From: d.file("c", 10), To: []store.Ref{d.ref("images/unnamed.raw")}}); err != nil || o.Err != nil {
		t.Fatal(err, o.Err)
	}
	for application, want := range map[string]string{"": "images/hello/r1/hello-r1.raw images/top.raw", "hello": "images/hello/r1/hello-r1.raw images/top.raw", "none": ""} {
		found, err := d.store.List(t.Context(), d.ref("images"), application)
		var got []string
		for _, i := range found {
			got = append(got, i.Ref.Name)
			if i.Size != 10 || i.Digests["sha256"] == "" || i.Properties[store.Revision] != "r1" || i.Created.IsZero() {
				t.Errorf("%+v", i)
			}
		}
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v", application, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	server, address := artifactorytest.Start(t)
	d := newDesk(t, address)
	d.mustCopy(d.file("there", 10), d.ref("images/dir/there.raw"), store.Copied)
	for name, tc := range map[string]struct {
		set      func()
		from, to store.Ref
		want     error
		text     string
	}{
		"no repository": {func() {}, d.file("a", 10), d.ref("none/a.raw"), store.ErrNotFound, "Failed to find Repository"},
		"no file":       {func() {}, d.ref("images/none"), d.at("x"), store.ErrNotFound, "Unable to find item"},
		"a folder":      {func() {}, d.ref("images/dir"), d.at("x"), store.ErrNotReady, "folder"},
		"full disk":     {func() { server.Limit = 100 }, d.file("b", 1000), d.ref("images/b.raw"), store.ErrQuota, "disk usage"},
		"no token":      {func() { server.Token = "sesame" }, d.file("c", 10), d.ref("images/c.raw"), store.ErrDenied, "token"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.set()
			defer func() { server.Limit, server.Token = 0, "" }()
			o, err := d.copy(store.Request{From: tc.from, To: []store.Ref{tc.to}})
			if err == nil {
				err = o.Err
			}
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v; want %v, %q", err, tc.want, tc.text)
			}
		})
	}
}

// TestDamage: content that has changed where it is kept is found, and not copied.
func TestDamage(t *testing.T) {
	server, address := artifactorytest.Start(t)
	d := newDesk(t, address)
	d.mustCopy(d.file("a", size), d.ref("images/a.raw"), store.Copied)
	if err := server.Damage("images/a.raw"); err != nil {
		t.Fatal(err)
	}
	i, err := d.store.Stat(t.Context(), d.ref("images/a.raw"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&store.Copier{}).Verify(t.Context(), d.store, i); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("verify: %v", err)
	}
	if _, err := d.copy(store.Request{From: i.Ref, To: []store.Ref{d.at("b")}}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("copy: %v", err)
	}
}

// TestBrokenServer: answers that make no sense, and none at all, are errors; an upload
// that arrives as something else is deleted.
func TestBrokenServer(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
		want   error
		text   string
	}{
		"other content": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				w.WriteHeader(http.StatusCreated)
				_, _ = w.Write([]byte(`{"size": "10", "checksums": {"sha256": "` + strings.Repeat("0", 64) + `"}}`))
			}
			return r.Method == http.MethodPut
		}, store.ErrCorrupt, "deleted again"},
		"no digest": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				w.WriteHeader(http.StatusCreated)
				_, _ = w.Write([]byte(`{"size": 10}`))
			}
			return r.Method == http.MethodPut
		}, store.ErrFailed, "no SHA-256"},
		"no JSON": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				w.WriteHeader(http.StatusCreated)
			}
			return r.Method == http.MethodPut
		}, store.ErrFailed, "no answer of Artifactory's"},
		"a proxy": {func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "<html>secret page</html>", http.StatusBadGateway)
			return true
		}, store.ErrFailed, "502, Bad Gateway"},
		"cut": {func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				panic(http.ErrAbortHandler)
			}
			return false
		}, store.ErrFailed, "no answer from"},
	} {
		t.Run(name, func(t *testing.T) {
			deleted := 0
			behind := artifactorytest.New(t.TempDir(), "images")
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					deleted++
				}
				if !tc.answer(w, r) {
					behind.ServeHTTP(w, r)
				}
			}))
			defer server.Close()
			d := newDesk(t, server.URL+"/artifactory")
			o, err := d.copy(store.Request{From: d.file("a", 10), To: []store.Ref{d.ref("images/a.raw")}})
			if err == nil {
				err = o.Err
			}
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v; want %v, %q", err, tc.want, tc.text)
			}
			if name == "other content" && deleted != 1 {
				t.Errorf("deleted %d times", deleted)
			}
		})
	}
}
