package web_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/image/web"
)

// get copies a URL to a file.
func get(t *testing.T, url string, digests store.Digests) (string, store.Outcome, error) {
	t.Helper()
	from, err := store.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	files := &file.Store{Dir: t.TempDir()}
	c := store.Copier{Pause: time.Millisecond, Open: func(r store.Ref) (store.Store, error) {
		if r.Scheme == store.File {
			return files, nil
		}
		return &web.Store{Client: http.DefaultClient, UserAgent: "ystack-test"}, nil
	}}
	_, outcomes, err := c.Copy(t.Context(), store.Request{From: from, To: []store.Ref{{Scheme: store.File, Name: "out"}}, Digests: digests})
	if len(outcomes) == 0 {
		return "", store.Outcome{}, err
	}
	return filepath.Join(files.Dir, "out"), outcomes[0], err
}

func TestCopy(t *testing.T) {
	data := make([]byte, 9<<20)
	_, _ = rand.Read(data)
	copy(data, "QFI\xfb")
	sum, err := store.Sum(bytes.NewReader(data), "sha512")
	if err != nil {
		t.Fatal(err)
	}
	stamp := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var cuts atomic.Int32
	serve := func(change func(w http.ResponseWriter, r *http.Request) bool) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !change(w, r) {
				http.ServeContent(w, r, "", stamp, bytes.NewReader(data))
			}
		}))
		t.Cleanup(s.Close)
		return s.URL + "/disk.img?x=1"
	}
	plain := func(http.ResponseWriter, *http.Request) bool { return false }
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	// cut breaks off in the middle, once; later it may be another file.
	cut := func(later time.Time) func(http.ResponseWriter, *http.Request) bool {
		cuts.Store(0)
		return func(w http.ResponseWriter, r *http.Request) bool {
			switch spread := r.Header.Get("Range"); {
			case strings.HasPrefix(spread, "bytes=0-"):
				return false
			case spread == "" && cuts.Add(1) == 1:
				w.Header().Set("Content-Length", "9437184")
				w.Header().Set("Last-Modified", stamp.Format(http.TimeFormat))
				_, _ = w.Write(data[:5<<20])
				panic(http.ErrAbortHandler)
			}
			http.ServeContent(w, r, "", later, bytes.NewReader(data))
			return true
		}
	}
	for name, tc := range map[string]struct {
		url     string
		digests store.Digests
		want    error
		text    string
	}{
		"whole":            {url: serve(plain)},
		"with its digest":  {url: serve(plain), digests: store.Digests{"sha512": sum}},
		"with another":     {url: serve(plain), digests: store.Digests{"sha512": strings.Repeat("0", 128)}, want: store.ErrCorrupt, text: "should be"},
		"no ranges":        {url: serve(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false })},
		"cut":              {url: serve(cut(stamp))},
		"cut and replaced": {url: serve(cut(stamp.Add(time.Hour))), want: store.ErrCorrupt, text: "replaced by another file"},
		"not there":        {url: serve(status(404)), want: store.ErrNotFound, text: "check the URL"},
		"forbidden":        {url: serve(status(403)), want: store.ErrDenied, text: "anybody may read"},
		"broken":           {url: serve(status(502)), want: store.ErrFailed, text: "502"},
		"no size": {url: serve(func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.Copy(w, bytes.NewReader(data))
			return true
		}), want: store.ErrNotReady, text: "does not tell its size"},
		"nobody there": {url: "http://127.0.0.1:1/x", want: store.ErrFailed, text: "no answer from 127.0.0.1:1"},
	} {
		cuts.Store(0)
		path, o, err := get(t, tc.url, tc.digests)
		if err == nil {
			err = o.Err
		}
		if !errors.Is(err, tc.want) || tc.want != nil && !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v; want %v, %q", name, err, tc.want, tc.text)
		}
		if tc.want == nil {
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: other content came: %v", name, err)
			}
		}
	}
	r, _ := store.Parse(serve(plain))
	s := &web.Store{Client: http.DefaultClient}
	if i, err := s.Stat(t.Context(), r); err != nil || i.Format != "qcow2" || i.Size != 9<<20 || !i.Created.Equal(stamp) {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := s.Write(t.Context(), r, nil); !errors.Is(err, store.ErrDenied) {
		t.Error(err)
	}
}

func TestEmpty(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(""))
	}))
	defer s.Close()
	if path, o, err := get(t, s.URL+"/a.raw", nil); err != nil || o.Result != store.Copied {
		t.Errorf("%s %+v, %v", path, o, err)
	}
}
