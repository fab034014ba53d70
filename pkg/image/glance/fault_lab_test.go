package glance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// toxic puts a network with a fault between the proxy's clients and the lab's Glance.
func (c *cloud) toxic(stream, kind, attributes string) {
	c.t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "glance", "127.0.0.1:0", c.target().Host)
	text := fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": %s}`, kind, stream, attributes)
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		c.t.Fatal(err)
	}
	if err := proxy.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(proxy.Stop)
	target := &url.URL{Scheme: "http", Host: proxy.Listen}
	c.onRequest(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/file") {
			return false
		}
		forward(w, r, target, nil)
		return true
	})
}

// forward passes a request on, and its answer as far as it comes.
func forward(w http.ResponseWriter, r *http.Request, to *url.URL, change func(io.Reader) io.Reader) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", to.Scheme, to.Host
	if change != nil {
		out.Body = io.NopCloser(change(r.Body))
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler) // closes the connection
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// target is the lab's Glance, which the cloud's configuration does not name any more.
func (c *cloud) target() *url.URL {
	c.t.Helper()
	token, err := c.session.Token(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, service := range token.Catalog {
		for _, e := range service.Endpoints {
			if service.Type == "image" && e.Interface == "public" {
				u, err := url.Parse(e.URL)
				if err != nil {
					c.t.Fatal(err)
				}
				return u
			}
		}
	}
	c.t.Fatal("no Glance in the catalogue")
	return nil
}

// flip changes a bit of the byte at an offset.
type flip struct {
	r  io.Reader
	at int64
}

func (f *flip) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if f.at >= 0 && f.at < int64(n) {
		p[f.at] ^= 1
	}
	f.at -= int64(n)
	return n, err
}

// TestLabDownloadCut: connections that break off after a while are gone on with.
func TestLabDownloadCut(t *testing.T) {
	c := newCloud(t)
	from, back := c.file("a.raw", size), store.Ref{Scheme: store.File, Name: "b.raw"}
	c.mustCopy(store.Request{From: from, To: []store.Ref{c.ref()}}, store.Copied)
	c.toxic("downstream", "limit_data", `{"bytes": 1000000}`)
	c.mustCopy(store.Request{From: c.ref(), To: []store.Ref{back}}, store.Copied)
	if c.read(from) != c.read(back) {
		t.Error("other content came back")
	}
	downloads := 0
	for _, request := range c.seen {
		if strings.HasPrefix(request, "GET") && strings.HasSuffix(request, "/file") {
			downloads++
		}
	}
	if downloads < 3 {
		t.Errorf("%d downloads: the connection was not cut", downloads)
	}
}

// TestLabDownloadWrong: wrong content is no content, whatever Glance says of it.
func TestLabDownloadWrong(t *testing.T) {
	c := newCloud(t)
	c.mustCopy(store.Request{From: c.file("a.raw", size), To: []store.Ref{c.ref()}}, store.Copied)
	target := c.target()
	for name, change := range map[string]func(io.Reader) io.Reader{
		"a flipped bit": func(r io.Reader) io.Reader { return &flip{r, size / 2} },
		"never whole":   func(r io.Reader) io.Reader { return io.LimitReader(r, size-10) },
	} {
		c.onRequest(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/file") {
				return false
			}
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			answer := &changed{ResponseWriter: w, change: change}
			forward(answer, r, target, nil)
			return true
		})
		o, err := c.copy(store.Request{From: c.ref(), To: []store.Ref{{Scheme: store.File, Name: "b.raw"}}})
		if err == nil || o.Result != store.Failed {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		if _, err := c.files.Stat(t.Context(), store.Ref{Scheme: store.File, Name: "b.raw"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: the file is there: %v", name, err)
		}
	}
}

// changed is an answer on whose way something happens.
type changed struct {
	http.ResponseWriter
	change func(io.Reader) io.Reader
	sent   bytes.Buffer
	left   io.Reader
}

func (c *changed) Write(p []byte) (int, error) {
	if c.left == nil {
		c.left = c.change(&c.sent)
	}
	c.sent.Write(p)
	out := make([]byte, len(p))
	n, _ := io.ReadFull(c.left, out)
	if _, err := c.ResponseWriter.Write(out[:n]); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

// TestLabUploadFaults: whatever happens to an upload, no image is left.
func TestLabUploadFaults(t *testing.T) {
	c := newCloud(t)
	target := c.target()
	refuse := func(status int, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, text, status)
			return true
		}
	}
	for name, tc := range map[string]struct {
		spoil func(http.ResponseWriter, *http.Request) bool
		want  error
		text  string
	}{
		"a flipped bit": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				forward(w, r, target, func(body io.Reader) io.Reader { return &flip{body, 12345} })
			}
			return r.Method == http.MethodPut
		}, store.ErrCorrupt, "other content"},
		"cut": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				forward(w, r, target, func(body io.Reader) io.Reader { return io.MultiReader(io.LimitReader(body, 100000), failing{}) })
			}
			return r.Method == http.MethodPut
		}, store.ErrFailed, ""},
		"over quota":  {refuse(413, "413 Request Entity Too Large\n\nDenying attempt to upload image because it exceeds the quota"), store.ErrQuota, "exceeds the quota"},
		"forbidden":   {refuse(403, "403 Forbidden\n\nno"), store.ErrDenied, "no"},
		"server down": {refuse(503, "<html><head><title>503</title></head><body>Sorry</body></html>"), store.ErrFailed, "Sorry"},
		"killed": {func(w http.ResponseWriter, r *http.Request) bool {
			id, isImage := strings.CutPrefix(r.URL.Path, "/v2/images/")
			if r.Method == http.MethodGet && isImage && !strings.Contains(id, "/") {
				fmt.Fprintf(w, `{"id": %q, "name": "x", "status": "killed"}`, id)
				return true
			}
			return false
		}, store.ErrNotReady, "killed"},
	} {
		t.Run(name, func(t *testing.T) {
			c.onRequest(tc.spoil)
			o, err := c.copy(store.Request{From: c.file("a.raw", size), To: []store.Ref{c.ref()}})
			if err != nil || !errors.Is(o.Err, tc.want) || !strings.Contains(o.Err.Error(), tc.text) {
				t.Errorf("%+v, %v", o, err)
			}
			c.onRequest(nil)
			c.nothing()
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestLabTokenExpires: a token that ends while an upload goes on is renewed for what
// comes after it.
func TestLabTokenExpires(t *testing.T) {
	c := newCloud(t)
	var old atomic.Pointer[string]
	c.onRequest(func(w http.ResponseWriter, r *http.Request) bool {
		token := r.Header.Get("X-Auth-Token")
		if expired := old.Load(); expired != nil && *expired == token {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		if r.Method == http.MethodPut {
			old.Store(&token)
		}
		return false
	})
	c.mustCopy(store.Request{From: c.file("a.raw", size), To: []store.Ref{c.ref()}}, store.Copied)
	if old.Load() == nil {
		t.Error("no upload was seen")
	}
}

// TestLabNoGlance: a service that is not there.
func TestLabNoGlance(t *testing.T) {
	c := newCloud(t)
	c.onRequest(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	_, err := c.copy(store.Request{From: c.ref(), To: []store.Ref{{Scheme: store.File, Name: "x"}}})
	if !errors.Is(err, store.ErrFailed) || !errors.Is(err, keystone.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
