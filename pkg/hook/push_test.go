package hook

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// FuzzPush: whatever a payload says, what is taken from it is safe to give to git and to the API.
func FuzzPush(f *testing.F) {
	f.Add([]byte(pushOf(1)))
	f.Add([]byte(payload("acme/hello", "refs/heads/a\\u0000b", commit(0), commit(1))))
	f.Add([]byte(payload("../..", "refs/heads/--x", commit(0), "-x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePush(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		owner, name, ok := strings.Cut(p.Repository, "/")
		if !ok || owner == "" || name == "" || strings.ContainsAny(p.Repository, " \n%?#\\") || strings.HasPrefix(name, ".") || strings.Contains(name, "/") {
			t.Errorf("repository %q", p.Repository)
		}
		if strings.HasPrefix(p.Branch, "-") || strings.ContainsAny(p.Branch, " \n\x00:?*[") || strings.Contains(p.Branch, "..") || p.Branch == "" {
			t.Errorf("branch %q", p.Branch)
		}
		if strings.Trim(p.After, "0123456789abcdef") != "" || len(p.After) < 40 || strings.Trim(p.After, "0") == "" {
			t.Errorf("commit %q", p.After)
		}
	})
}
