package source

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCleanRemote(t *testing.T) {
	for remote, want := range map[string]string{
		"https://host/a/b.git":                "https://host/a/b.git",
		"https://user:token@host/a":           "https://host/a",
		"https://token@host/a?x=secret#y":     "https://host/a",
		"http://[::1]:3000/a":                 "http://[::1]:3000/a",
		"ssh://git@host:22/a":                 "ssh://git@host:22/a",
		"ssh://git:secret@host/a":             "ssh://git@host/a",
		"git@host:team/a.git":                 "git@host:team/a.git",
		"host:a":                              "host:a",
		"user:secret@host:a":                  "host:a",
		"user:secret@host:a?token=secret":     "host:a",
		"git@host:a?token=secret":             "git@host:a",
		"file:///srv/a":                       "file:///srv/a",
		"/srv/a":                              "/srv/a",
		"../a:b":                              "../a:b",
		"":                                    "",
		"https://user:sec ret@host/%zz":       "",
		"https://:secret":                     "",
		"ext::sh -c secret":                   "",
		"codecommit::region://secret@profile": "",
	} {
		if got := cleanRemote(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

func TestParseStatusErrors(t *testing.T) {
	for _, record := range []string{"1 MM", "1 M. N... 1 1 1 a b ", "u UU", "2 R. x", "x", "? ", "1 M N... 1 1 1 a b c"} {
		if s, err := parseStatus(record); err == nil {
			t.Errorf("%q: %+v", record, s)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("# branch.oid 0123\x00# branch.head main\x001 .M N... 100644 100644 100644 aa aa a b\x00? \n\xff\x00")
	f.Add("# branch.oid (initial)\x001 D. N... 100644 000000 000000 aa 00 x\x00? x\x00! y\x00")
	f.Add("u UU N... 100644 100644 100644 100644 aa bb cc x\x001 AM S.M. 0 1 1 0 a sub\x00")
	f.Fuzz(func(t *testing.T, out string) {
		s, err := parseStatus(out)
		if err != nil {
			return
		}
		for i, c := range s.changes {
			if c.path == "" || i > 0 && s.changes[i-1].path >= c.path {
				t.Errorf("paths not sorted and distinct: %+v", s.changes)
			}
		}
	})
}

func FuzzCleanRemote(f *testing.F) {
	f.Add("https://user:token@host/a?b#c")
	f.Add("git@host:a")
	f.Fuzz(func(t *testing.T, remote string) {
		once := cleanRemote(remote)
		if twice := cleanRemote(once); twice != once {
			t.Errorf("%q, cleaned again: %q", once, twice)
		}
	})
}

// BenchmarkRead: a repository of 5,000 files, clean and with 500 changes.
func BenchmarkRead(b *testing.B) {
	for _, changed := range []int{0, 500} {
		b.Run(fmt.Sprintf("changed=%d", changed), func(b *testing.B) {
			dir := bigRepo(b, changed)
			for b.Loop() {
				if _, err := Read(b.Context(), dir); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bigRepo(b *testing.B, changed int) string {
	b.Helper()
	b.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	dir := b.TempDir()
	write := func(i int, text string) {
		path := filepath.Join(dir, fmt.Sprintf("d%02d", i%50), fmt.Sprintf("f%d", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	g := git{dir: dir}
	for i := range 5000 {
		write(i, fmt.Sprintf("file %d\n", i))
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "-A"},
		{"-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "all"},
	} {
		if _, err := g.run(b.Context(), nil, args...); err != nil {
			b.Fatal(err)
		}
	}
	for i := range changed {
		write(i, "changed\n")
	}
	return dir
}
