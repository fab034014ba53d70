package completion

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// asker counts how often it is asked.
type asker struct {
	asked  int
	values []string
	err    error
}

func (a *asker) ask(context.Context) ([]string, error) {
	a.asked++
	return a.values, a.err
}

// files are those of the cache.
func files(t *testing.T, c Cache) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// age makes what was kept older.
func age(t *testing.T, c Cache, by time.Duration) {
	t.Helper()
	for _, file := range files(t, c) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		until := info.ModTime().Add(-by)
		if err := os.Chtimes(file, until, until); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCache(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		after time.Duration
		asked int
	}{
		"at once":                     {nil, 0, 1},
		"while it is fresh":           {nil, fresh - 3*time.Second, 1},
		"when it is not":              {nil, fresh + time.Second, 2},
		"after a failure":             {errors.New("x"), 0, 1},
		"some time after a failure":   {errors.New("x"), failed, 2},
		"after a refusal":             {fmt.Errorf("x: %w", ErrRefused), refused - time.Minute, 1},
		"a long time after a refusal": {fmt.Errorf("x: %w", ErrRefused), refused, 2},
		"under a clock that was put":  {nil, -time.Hour, 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := Cache{filepath.Join(t.TempDir(), "a", "b")}
			a := &asker{values: []string{"one\tthe first", "two"}, err: tc.err}
			first := c.Values(t.Context(), "k", a.ask)
			age(t, c, tc.after)
			second := c.Values(t.Context(), "k", a.ask)
			if a.asked != tc.asked {
				t.Errorf("asked %d times, want %d", a.asked, tc.asked)
			}
			if !slices.Equal(first, a.values) || !slices.Equal(second, a.values) {
				t.Errorf("got %q, then %q", first, second)
			}
			c.Values(t.Context(), "another", a.ask)
			if a.asked != tc.asked+1 {
				t.Error("another question had the same answer")
			}
		})
	}
}

func TestNothingIsAnAnswer(t *testing.T) {
	c, a := Cache{t.TempDir()}, &asker{}
	for range 2 {
		if got := c.Values(t.Context(), "k", a.ask); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	}
	if a.asked != 1 {
		t.Errorf("asked %d times", a.asked)
	}
}

// TestImpatience: what does not heed its context is left behind, and not asked again.
func TestImpatience(t *testing.T) {
	c := Cache{t.TempDir()}
	var asked atomic.Int32
	release := make(chan struct{})
	hangs := func(context.Context) ([]string, error) {
		asked.Add(1)
		<-release
		return []string{"late"}, nil
	}
	for range 2 {
		if got := c.Values(t.Context(), "k", hangs); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	}
	close(release)
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestOnlyTypeable(t *testing.T) {
	c := Cache{t.TempDir()}
	a := &asker{values: []string{
		"hello:5be0c1f6\tglance://lab/hello", "$(reboot)", "`reboot`", "a;reboot", "a b", "a\nb", "\x1b[2J", "", "~root", "a'b", "*",
		"日本語", "keystone:alice@corp%40x", "rgb\tcolour \x1b[31mred",
	}}
	want := []string{"hello:5be0c1f6\tglance://lab/hello", "日本語", "keystone:alice@corp%40x", "rgb\tcolour [31mred"}
	for _, when := range []string{"asked", "kept"} {
		if got := c.Values(t.Context(), "k", a.ask); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", when, got, want)
		}
	}
}

func TestPrivateAndPruned(t *testing.T) {
	c, a := Cache{filepath.Join(t.TempDir(), "completion")}, &asker{values: []string{"x"}}
	c.Values(t.Context(), "old", a.ask)
	age(t, c, 2*time.Minute)
	c.Values(t.Context(), "new", a.ask)
	kept := files(t, c)
	if len(kept) != 1 {
		t.Fatalf("kept %q", kept)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]os.FileMode{kept[0]: 0o600, c.Dir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestNowhereToKeep: a home that cannot be written to costs the memory, not the answer.
func TestNowhereToKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, a := Cache{filepath.Join(file, "completion")}, &asker{values: []string{"x"}}
	if got := c.Values(t.Context(), "k", a.ask); !slices.Equal(got, a.values) {
		t.Errorf("got %q", got)
	}
}
