package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"

	"github.com/moby/patternmatcher"
)

// Tool is one run of a program that makes something, with all that it starts.
type Tool struct {
	Path string
	Args []string  // never secrets: everybody on the machine can read them
	Env  []string  // on top of this process's
	Dir  string    // where it runs; this process's directory if empty
	Log  io.Writer // gets the output by whole lines
}

// Run runs the tool to its end and returns the last lines that it said. When ctx ends,
// the tool and all that it started get TERM, and KILL after a while.
func (t Tool) Run(ctx context.Context) (tail []string, err error) {
	return command{path: t.Path, args: t.Args, env: t.Env, dir: t.Dir, log: t.Log}.run(ctx)
}

// SumDir is a hash (hex sha-256) of what is in a directory, as [Inputs] counts it, but for
// what the patterns (of .dockerignore) say.
func SumDir(dir string, ignore []string) (string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	matcher, err := patternmatcher.New(ignore)
	if err != nil {
		return "", fmt.Errorf("ignore: %w", err)
	}
	w := &walker{root: root, matcher: matcher, parents: map[string]patternmatcher.MatchInfo{}}
	if err := filepath.WalkDir(root, w.visit); err != nil {
		return "", err
	}
	if err := sumFiles(w.entries); err != nil {
		return "", err
	}
	h := sha256.New()
	for _, e := range w.entries {
		record(h, "entry", e.kind, e.name, e.sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
