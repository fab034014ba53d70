package source

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// status is what `git status` says.
type status struct {
	commit  string
	branch  string
	changes []change // by path, each path once
}

// change is a path that may differ from HEAD.
type change struct {
	path      string // relative to the top directory, with slashes
	submodule bool
	mode      string // in HEAD; "" if it is not there
	object    string // in HEAD
	// certain: the file differs from HEAD. Otherwise the index differs from both, and
	// the file may be as in HEAD after all.
	certain bool
}

// status runs at the top directory, which scope is relative to.
func (g git) status(ctx context.Context, scope []string) (status, error) {
	out, err := g.run(ctx, nil, append([]string{
		"status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind",
		"--untracked-files=all", "--ignored=no", "--ignore-submodules=none", "--no-renames", "--",
	}, scope...)...)
	if err != nil {
		return status{}, err
	}
	s, err := parseStatus(out)
	if err == nil && s.commit == "" {
		err = ErrNoCommit
	}
	return s, err
}

// parseStatus reads the NUL-separated records of porcelain version 2.
func parseStatus(out string) (status, error) {
	var s status
	changes := map[string]change{}
	for record := range strings.SplitSeq(out, "\x00") {
		kind, rest, _ := strings.Cut(record, " ")
		switch kind {
		case "", "!":
			continue
		case "#":
			s.header(rest)
			continue
		}
		c, err := parseChange(kind, rest)
		if err != nil {
			return status{}, fmt.Errorf("git status: %w in the record %q", err, record)
		}
		if _, again := changes[c.path]; again {
			c = union(c, changes[c.path])
		}
		changes[c.path] = c
	}
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		s.changes = append(s.changes, changes[path])
	}
	return s, nil
}

func (s *status) header(text string) {
	if oid, ok := strings.CutPrefix(text, "branch.oid "); ok && oid != "(initial)" {
		s.commit = oid
	}
	if head, ok := strings.CutPrefix(text, "branch.head "); ok && head != "(detached)" {
		s.branch = head
	}
}

// parseChange reads one record: ordinary (1), unmerged (u) or untracked (?).
func parseChange(kind, rest string) (change, error) {
	switch kind {
	case "?":
		return change{path: rest, certain: true}, checkPath(rest)
	case "1": // XY sub mH mI mW hH hI path
		f := strings.SplitN(rest, " ", 8)
		if len(f) != 8 || len(f[0]) != 2 {
			return change{}, fmt.Errorf("too few fields")
		}
		oneSide := f[0][0] == '.' || f[0][1] == '.'
		return newChange(f[7], f[1], f[2], f[5], oneSide), checkPath(f[7])
	case "u": // XY sub m1 m2 m3 mW h1 h2 h3 path; the second stage is HEAD's
		f := strings.SplitN(rest, " ", 10)
		if len(f) != 10 {
			return change{}, fmt.Errorf("too few fields")
		}
		return newChange(f[9], f[1], f[3], f[7], false), checkPath(f[9])
	}
	return change{}, fmt.Errorf("unknown kind %q", kind)
}

func newChange(path, submodule, mode, object string, certain bool) change {
	c := change{path: path, submodule: strings.HasPrefix(submodule, "S"), certain: certain}
	if strings.Trim(mode, "0") != "" {
		c.mode, c.object = mode, object
	}
	return c
}

func checkPath(path string) error {
	if path == "" {
		return fmt.Errorf("no path")
	}
	return nil
}

// union is of a path that is both gone from the index and there untracked
// (git rm --cached): HEAD has it, the disk has it, and they may be the same.
func union(a, b change) change {
	if a.mode == "" {
		a.mode, a.object = b.mode, b.object
	}
	a.certain = false
	return a
}
