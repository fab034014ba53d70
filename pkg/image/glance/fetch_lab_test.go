package glance

import (
	"bufio"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// forwarder connects callers in the network namespace that the lab's Glance is in with a
// socket of the test's.
const forwarder = `import socket, sys, threading
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        b.close()
server = socket.create_server(('127.0.0.1', 18080))
print('listening', flush=True)
while True:
    caller, _ = server.accept()
    test = socket.socket(socket.AF_UNIX)
    test.connect(sys.argv[1])
    for pair in ((caller, test), (test, caller)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
`

// site serves the files of the test, to us and to Glance; to that otherwise, if spoil
// has answered.
func (c *cloud) site(address string, spoil func(http.ResponseWriter, *http.Request) bool) string {
	c.t.Helper()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "Go-") || spoil == nil || !spoil(w, r) {
			http.ServeFile(w, r, filepath.Join(c.files.Dir, r.URL.Path))
		}
	})}
	c.t.Cleanup(func() { _ = server.Close() })
	here, err := net.Listen("tcp", address)
	if err != nil {
		c.t.Fatal(err)
	}
	socket := filepath.Join(c.t.TempDir(), "s")
	there, err := net.Listen("unix", socket)
	if err != nil {
		c.t.Fatal(err)
	}
	go func() { _ = server.Serve(here) }()
	go func() { _ = server.Serve(there) }()
	cmd := exec.Command(filepath.Join(os.Getenv("YSTACK_LAB"), "bin/lab"), "shell", "--", "/usr/bin/python3", "-c", forwarder, socket)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		c.t.Fatalf("%q, %v", line, err)
	}
	return "http://" + here.Addr().String()
}

const allowed = "127.0.0.1:18080" // by the lab's Glance

// request is for what Glance is to get by itself.
func (c *cloud) request(url string) store.Request {
	c.t.Helper()
	from, err := store.Parse(url)
	if err != nil {
		c.t.Fatal(err)
	}
	return store.Request{From: from, To: []store.Ref{c.ref()}, Fetch: true, Properties: map[string]string{store.App: c.name}}
}

func TestLabFetch(t *testing.T) {
	c := newCloud(t)
	file := c.file("a.raw", size)
	at := c.site(allowed, nil)
	sum := sha512.Sum512([]byte(c.read(file)))
	r := c.request(at + "/a.raw")
	r.Digests = store.Digests{"sha512": hex.EncodeToString(sum[:])}
	c.mustCopy(r, store.Fetched)
	i, err := c.Stat(t.Context(), c.ref())
	if err != nil || i.Size != size || i.Format != "raw" || i.Digests["sha512"] != r.Digests["sha512"] || i.Properties[store.App] != c.name || i.State != store.Active {
		t.Errorf("%+v, %v", i, err)
	}
	if slices.ContainsFunc(c.seen, func(s string) bool { return strings.HasPrefix(s, "PUT ") }) {
		t.Errorf("it was sent: %v", c.seen)
	}
	c.mustCopy(r, store.Present)
	back := store.Ref{Scheme: store.File, Name: "b.raw"}
	c.mustCopy(store.Request{From: c.ref(), To: []store.Ref{back}}, store.Copied)
	if c.read(file) != c.read(back) {
		t.Error("other content came back")
	}
}

// What goes wrong is said, and leaves no image.
func TestLabFetchFaults(t *testing.T) {
	c := newCloud(t)
	c.file("a.raw", size)
	defer func(whole *testing.T) { c.t = whole }(t)
	for _, tc := range []struct {
		name, address string
		limit         time.Duration
		change        func(*store.Request)
		spoil         func(http.ResponseWriter, *http.Request) bool
		want          error
		text          string
	}{
		{name: "a port that Glance may not", address: "127.0.0.1:0", want: store.ErrFailed, text: "filtering"},
		{name: "wrong digest", change: func(r *store.Request) { r.Digests = store.Digests{"sha512": strings.Repeat("0", 128)} }, want: store.ErrCorrupt, text: "digest is another"},
		{name: "a digest of another kind", change: func(r *store.Request) { r.Digests = store.Digests{"sha256": strings.Repeat("0", 64)} }, want: store.ErrFailed, text: "Glance computes sha512"},
		{name: "an error", spoil: func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "broken", http.StatusInternalServerError)
			return true
		}, want: store.ErrFailed, text: "could not import it"},
		{name: "less", spoil: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", strconv.Itoa(size/2))
			_, _ = w.Write(make([]byte, size/2))
			return true
		}, want: store.ErrCorrupt, text: "has 3145728"},
		{name: "cut", spoil: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			_, _ = w.Write(make([]byte, size/2))
			return true
		}, want: store.ErrFailed, text: "could not import it"},
		{name: "nothing comes", limit: 2 * time.Second, spoil: func(http.ResponseWriter, *http.Request) bool { time.Sleep(5 * time.Second); return true }, want: store.ErrStalled, text: "importing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.address == "" {
				tc.address = allowed
			}
			c.t, c.Limit = t, tc.limit
			r := c.request(c.site(tc.address, tc.spoil) + "/a.raw")
			if tc.change != nil {
				tc.change(&r)
			}
			o, err := c.copy(r)
			if err != nil || !errors.Is(o.Err, tc.want) || !strings.Contains(o.Err.Error(), tc.text) {
				t.Errorf("%+v, %v; want %v, %q", o, err, tc.want, tc.text)
			}
			c.nothing()
		})
	}
}
