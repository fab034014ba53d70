package cache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const canary = "canary-7f3a"

func someEntry(token string) Entry {
	now := time.Now()
	return Entry{Token: token, Got: now, Expires: now.Add(time.Hour), Pin: map[string]string{"username": "alice"}}
}

// put writes a file as somebody else might have.
func put(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func TestPutAndGet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "tokens")
	s := Open(dir)
	if _, ok := s.Get("k"); ok {
		t.Error("there is a token before one was put")
	}
	want := someEntry("one")
	for _, want.Token = range []string{"one", "two"} {
		if err := s.Put("k", want); err != nil {
			t.Fatal(err)
		}
		got, ok := s.Get("k")
		if !ok || got.Token != want.Token || !got.Got.Equal(want.Got) || !got.Expires.Equal(want.Expires) || !cmp.Equal(got.Pin, want.Pin) {
			t.Errorf("got %s %v, put %s", got.Token, got, want.Token)
		}
	}
	if all, err := s.All(); err != nil || len(all) != 1 || all["k"].Token != "two" {
		t.Errorf("all: %v, %v", all, err)
	}
	if err := s.Remove("k"); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if err := s.Remove("k"); err != nil {
		t.Errorf("what is not there cannot be removed: %v", err)
	}
}

// TestModes: only the owner may read, also where the directory was open before.
func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir := filepath.Join(t.TempDir(), "tokens")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	s := Open(dir)
	if err := s.Put("k", someEntry("t")); err != nil {
		t.Fatal(err)
	}
	s.Returning("k", "1:1", someEntry("t"), time.Now())
	if _, err := s.lock(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	s.fail(Request{Key: "k"}, fmt.Errorf("no"))
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || files != 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestUnusable: a file that is not as Put writes it is as good as none.
func TestUnusable(t *testing.T) {
	good, err := encode("k", someEntry("t"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(good)
	for name, tc := range map[string]struct {
		content string
		mode    fs.FileMode
	}{
		"empty":            {"", 0o600},
		"torn":             {text[:len(text)/2], 0o600},
		"zeros":            {strings.Repeat("\x00", 400), 0o600},
		"two":              {text + text, 0o600},
		"garbage after":    {text + "}", 0o600},
		"of another key":   {strings.Replace(text, `"key":"k"`, `"key":"l"`, 1), 0o600},
		"newer":            {strings.Replace(text, `"version":1`, `"version":2`, 1), 0o600},
		"more fields":      {strings.Replace(text, `{`, `{"more":1,`, 1), 0o600},
		"no token":         {strings.Replace(text, `"token":"t"`, `"token":""`, 1), 0o600},
		"token of lines":   {strings.Replace(text, `"token":"t"`, `"token":"t\r\nX-Evil: 1"`, 1), 0o600},
		"not ASCII":        {strings.Replace(text, `"token":"t"`, `"token":"t\u00e9"`, 1), 0o600},
		"no time":          {`{"version":1,"key":"k","token":"t"}`, 0o600},
		"ends before":      {`{"version":1,"key":"k","token":"t","got":"2026-01-02T00:00:00Z","expires":"2026-01-01T00:00:00Z"}`, 0o600},
		"too long":         {strings.Replace(text, `"token":"t"`, `"token":"`+strings.Repeat("t", maxFile)+`"`, 1), 0o600},
		"open to group":    {text, 0o640},
		"open to all":      {text, 0o644},
		"writable for all": {text, 0o602},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tc.mode != 0o600 {
				t.Skip("Windows has no modes")
			}
			s := Open(t.TempDir())
			put(t, s.Path("k"), tc.content, tc.mode)
			if e, ok := s.Get("k"); ok {
				t.Errorf("got %q", e.Token)
			}
			if err := s.Put("k", someEntry("new")); err != nil {
				t.Fatal(err)
			}
			if e, ok := s.Get("k"); !ok || e.Token != "new" {
				t.Errorf("got %v, %v after a new one was put", e, ok)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		s := Open(t.TempDir())
		if err := os.Mkdir(s.Path("k"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Get("k"); ok {
			t.Error("got a token of a directory")
		}
	})
}

// TestReadersSeeWholeFiles while tokens of different length replace each other.
func TestReadersSeeWholeFiles(t *testing.T) {
	s := Open(t.TempDir())
	tokens := map[string]bool{strings.Repeat("a", 100): true, strings.Repeat("b", 30_000): true}
	for token := range tokens {
		if err := s.Put("k", someEntry(token)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() {
		var err error
		for i := 0; i < 200 && err == nil; i++ {
			for token := range tokens {
				err = s.Put("k", someEntry(token))
			}
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			if e, ok := s.Get("k"); !ok || !tokens[e.Token] {
				t.Fatalf("got %d bytes, %v", len(e.Token), ok)
			}
		}
	}
}

func TestPrune(t *testing.T) {
	s := Open(t.TempDir())
	now := time.Now()
	long := someEntry("long")
	long.Expires = now.Add(90 * 24 * time.Hour)
	gone := someEntry("gone")
	gone.Got, gone.Expires = now.Add(-3*time.Hour), now.Add(-2*time.Hour)
	for key, e := range map[string]Entry{"long": long, "gone": gone, "just": gone} {
		if err := s.Put(key, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"long.lock", "gone.lock", "gone.askers", "other.json", "other.failed", ".new-123"} {
		put(t, filepath.Join(s.dir, name), "x", 0o600)
	}
	put(t, filepath.Join(s.dir, ".new-456"), "x", 0o600)
	for _, name := range []string{"long.json", "long.lock", "gone.json", "gone.lock", "gone.askers", "other.json", "other.failed", ".new-123"} {
		if err := os.Chtimes(filepath.Join(s.dir, name), now, now.Add(-kept-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put("new", someEntry("new")); err != nil {
		t.Fatal(err)
	}
	var left []string
	files, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		left = append(left, f.Name())
	}
	if diff := cmp.Diff([]string{".new-456", "just.json", "long.json", "long.lock", "new.json"}, left); diff != "" {
		t.Error(diff)
	}
}

// TestOff: no directory, no store: nothing is kept, and nothing fails.
func TestOff(t *testing.T) {
	var none *Store
	for _, s := range []*Store{none, {}} {
		e := someEntry("t")
		if err := s.Put("k", e); err != nil {
			t.Error(err)
		}
		if _, ok := s.Get("k"); ok || s.Path("k") != "" || s.Returning("k", "1:1", e, time.Now()) || s.Returning("k", "1:1", e, time.Now()) {
			t.Error("keeps something")
		}
		s.Confirmed("k", time.Now())
		s.Forgive("k")
		all, err := s.All()
		if len(all) != 0 || err != nil || s.Remove("k") != nil {
			t.Errorf("%v, %v", all, err)
		}
	}
}

func TestEntryHidesToken(t *testing.T) {
	e := someEntry(canary)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{e, &e, []Entry{e}, map[string]Entry{"k": e}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T: %s", verb, v, text)
			}
		}
	}
}

func TestRenewAt(t *testing.T) {
	for life, margin := range map[time.Duration]time.Duration{
		24 * time.Hour: 2 * time.Minute, time.Hour: 2 * time.Minute, 10 * time.Minute: time.Minute, time.Second: 100 * time.Millisecond,
	} {
		e := someEntry("t")
		e.Expires = e.Got.Add(life)
		if got := e.Expires.Sub(e.RenewAt()); got != margin {
			t.Errorf("of %s, renewed %s before the end; want %s", life, got, margin)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := encode("k", someEntry("t"))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"version":1,"key":"k","token":"t","got":"2026-01-01T00:00:00Z","expires":"2026-01-01T01:00:00Z","pin":{"a":"b"}}`))
	f.Add([]byte(`{"version":1,"key":"k","token":"a b","got":"2026-01-01T00:00:00Z","expires":"9999-01-01T01:00:00Z"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decode("k", data)
		if err != nil {
			return
		}
		if e.Token == "" || strings.ContainsFunc(e.Token, func(r rune) bool { return r <= ' ' || r > '~' }) || e.RenewAt().After(e.Expires) {
			t.Fatalf("%q gives %q until %s", data, e.Token, e.Expires)
		}
		again, err := encode("k", e)
		if err != nil {
			t.Skip("a year that is not written") // beyond 9999
		}
		if f, err := decode("k", again); err != nil || f.Token != e.Token || !f.Expires.Equal(e.Expires) {
			t.Fatalf("%q becomes %q: %v", data, again, err)
		}
	})
}
