package file

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

func at(name string) store.Ref { return store.Ref{Scheme: store.File, Name: name} }

// remote is a file that tells its digest, as servers do, and counts what is read.
type remote struct {
	*Store
	wrong bool // it tells another one
	limit int64

	mu   sync.Mutex
	read int64
}

func (r *remote) Stat(ctx context.Context, ref store.Ref) (store.Info, error) {
	i, err := r.Store.Stat(ctx, ref)
	if err == nil {
		sum, _ := r.Sum(ctx, i, "sha256")
		if r.wrong {
			sum = strings.Repeat("0", 64)
		}
		i.Digests = store.Digests{"sha256": sum}
	}
	return i, err
}

func (r *remote) Open(ctx context.Context, i store.Info, offset int64) (io.ReadCloser, error) {
	f, err := r.Store.Open(ctx, i, offset)
	if err != nil {
		return nil, err
	}
	if r.limit > 0 && offset >= r.limit {
		_ = f.Close()
		return nil, store.Errorf(i.Ref, store.ErrDenied, "enough")
	}
	return &counted{f, r, offset}, nil
}

type counted struct {
	io.ReadCloser
	r  *remote
	at int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.r.limit > 0 && c.at >= c.r.limit {
		return 0, io.ErrUnexpectedEOF
	}
	if c.r.limit > 0 {
		p = p[:min(int64(len(p)), c.r.limit-c.at)]
	}
	n, err := c.ReadCloser.Read(p)
	c.at += int64(n)
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.read += int64(n)
	return n, err
}

func random(t *testing.T, dir, name string, size int) []byte {
	t.Helper()
	data := make([]byte, size)
	_, _ = rand.Read(data)
	write(t, dir, name, data)
	return data
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyFile copies from the remote store, whose references have a host, to the local one.
func copyFile(t *testing.T, from *remote, to *Store, source, target string) (store.Outcome, error) {
	t.Helper()
	ref := at(source)
	ref.Host = "remote"
	c := store.Copier{Pause: time.Millisecond, Open: func(r store.Ref) (store.Store, error) {
		if r.Host == "remote" {
			return from, nil
		}
		return to, nil
	}}
	_, outcomes, err := c.Copy(t.Context(), store.Request{From: ref, To: []store.Ref{at(target)}})
	if len(outcomes) == 0 {
		t.Fatal(err)
	}
	return outcomes[0], err
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

const size = 20 << 20

// TestResume: what a broken off copy left is kept and not written again.
func TestResume(t *testing.T) {
	from, to := &remote{Store: &Store{Dir: t.TempDir()}}, &Store{Dir: t.TempDir()}
	data := random(t, from.Dir, "a", size)
	from.limit = size - 3000
	if o, err := copyFile(t, from, to, "a", "b"); err == nil || o.Result != store.Failed {
		t.Fatalf("%+v, %v", o, err)
	}
	left := names(t, to.Dir)
	if !strings.HasPrefix(left, ".b.") || !strings.HasSuffix(left, ".partial") {
		t.Errorf("left: %q", left)
	}
	part, err := os.Stat(filepath.Join(to.Dir, left))
	if err != nil || part.Size() < 1<<20 {
		t.Errorf("%v, %v", part, err)
	}
	from.limit = 0
	if o, err := copyFile(t, from, to, "a", "b"); err != nil || o.Result != store.Copied {
		t.Fatalf("%+v, %v", o, err)
	}
	got, err := os.ReadFile(filepath.Join(to.Dir, "b"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("other content: %v", err)
	}
	if left := names(t, to.Dir); left != "b" {
		t.Errorf("left: %q", left)
	}
}

// TestDamagedPartial: what was left is not trusted.
func TestDamagedPartial(t *testing.T) {
	from, to := &remote{Store: &Store{Dir: t.TempDir()}}, &Store{Dir: t.TempDir()}
	data := random(t, from.Dir, "a", size)
	sum, err := store.Sum(bytes.NewReader(data), "sha256")
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(data[:size/2])
	damaged[100] ^= 1
	write(t, to.Dir, ".b."+sum[:16]+".partial", append(damaged, make([]byte, size)...))
	if o, err := copyFile(t, from, to, "a", "b"); err != nil || o.Result != store.Copied {
		t.Fatalf("%+v, %v", o, err)
	}
	got, err := os.ReadFile(filepath.Join(to.Dir, "b"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("other content: %v", err)
	}
}

func TestWrongDigest(t *testing.T) {
	from, to := &remote{Store: &Store{Dir: t.TempDir()}, wrong: true}, &Store{Dir: t.TempDir()}
	random(t, from.Dir, "a", size)
	if o, err := copyFile(t, from, to, "a", "b"); !errors.Is(err, store.ErrCorrupt) || o.Result != store.Failed {
		t.Errorf("%+v, %v", o, err)
	}
	if left := names(t, to.Dir); left != "" {
		t.Errorf("left: %q", left)
	}
}

func TestTwoAtOnce(t *testing.T) {
	from, to := &remote{Store: &Store{Dir: t.TempDir()}}, &Store{Dir: t.TempDir()}
	random(t, from.Dir, "a", size)
	var both sync.WaitGroup
	results := make([]store.Outcome, 2)
	for i := range results {
		both.Go(func() { results[i], _ = copyFile(t, from, to, "a", "b") })
	}
	both.Wait()
	good := 0
	for _, o := range results {
		if o.Err == nil {
			good++
		} else if !errors.Is(o.Err, store.ErrTaken) && !errors.Is(o.Err, store.ErrNotFound) {
			t.Errorf("%v", o.Err)
		}
	}
	if good == 0 {
		t.Error("none of two copies succeeded")
	}
	c := store.Copier{}
	i, err := from.Stat(t.Context(), at("a"))
	if err != nil {
		t.Fatal(err)
	}
	i.Ref = at("b")
	if _, err := c.Verify(t.Context(), to, i); err != nil {
		t.Error(err)
	}
}

func TestFormat(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	sector := append(make([]byte, 510), 0x55, 0xaa)
	iso := append(make([]byte, 0x8001), "CD001"...)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"a":           {[]byte("QFI\xfb\x00\x00\x00\x03"), "qcow2"},
		"b.img":       {[]byte("QFI\xfb\x00\x00\x00\x03"), "qcow2"},
		"c":           {[]byte("KDMV"), "vmdk"},
		"d":           {[]byte("vhdxfile"), "vhdx"},
		"e":           {sector, "raw"},
		"f":           {iso, "iso"},
		"g.raw":       {[]byte("x"), "raw"},
		"h.initrd":    {[]byte("x"), "ari"},
		"i.vmlinuz":   {[]byte("x"), "aki"},
		"j":           {nil, ""},
		"k.unheard":   {[]byte("x"), ""},
		"l.qcow2":     {[]byte("not one"), ""},
		"m.vhd":       {[]byte("conectix"), "vhd"},
		"n.VMLINUZ":   {[]byte("x"), "aki"},
		"o.kernel":    {[]byte("x"), "aki"},
		"p.aki":       {[]byte("x"), "aki"},
		"q.initramfs": {[]byte("x"), "ari"},
	} {
		write(t, s.Dir, name, tc.data)
		if i, err := s.Stat(t.Context(), at(name)); err != nil || i.Format != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, i.Format, err, tc.want)
		}
	}
	if _, err := s.Stat(t.Context(), at(".")); !errors.Is(err, store.ErrNotReady) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := s.Stat(t.Context(), at("none")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
