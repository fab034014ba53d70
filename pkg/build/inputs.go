package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/moby/patternmatcher"
	"golang.org/x/sync/errgroup"
)

// Inputs is a hash (hex sha-256) of everything that decides what the image will
// contain: Dockerfile, context under its ignore file, args, target, base
// digests. Of a file that is name, content and whether it is executable; of a
// symlink, where it points. Times and owners do not count, since a fresh clone
// has others; .git does not either, wherever in the context it lies.
func Inputs(req Request) (string, error) {
	dockerfile, err := os.ReadFile(req.Dockerfile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &DockerfileError{File: req.Dockerfile, Msg: "does not exist; set dockerfile (and context) to where it is"}
	}
	if err != nil {
		return "", fmt.Errorf("reading the Dockerfile: %w", err)
	}
	entries, err := contextEntries(req)
	if err != nil {
		return "", err
	}
	if err := sumFiles(entries); err != nil {
		return "", err
	}
	h := sha256.New()
	record(h, "inputs", "1")
	record(h, "dockerfile", string(dockerfile))
	record(h, "target", req.Target)
	for _, key := range slices.Sorted(maps.Keys(req.Args)) {
		record(h, "arg", key, req.Args[key])
	}
	bases := slices.Clone(req.Bases)
	sort.Slice(bases, func(i, k int) bool { return bases[i].Name < bases[k].Name })
	for _, base := range bases {
		record(h, "base", base.Name, base.Digest)
	}
	for _, e := range entries {
		record(h, "entry", e.kind, e.name, e.sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// record adds fields so that no two different lists of fields look the same.
func record(h hash.Hash, fields ...string) {
	for _, field := range fields {
		fmt.Fprintf(h, "%d:%s,", len(field), field)
	}
	_, _ = io.WriteString(h, "\n")
}

// entry is one thing in the context.
type entry struct {
	kind string // file, exec, link, dir
	name string // relative, with slashes
	path string
	sum  string // of the content, or a link's target
}

// contextEntries lists what of the context counts, in a fixed order.
func contextEntries(req Request) ([]*entry, error) {
	root, err := filepath.EvalSymlinks(req.ContextDir)
	if err != nil {
		return nil, fmt.Errorf("build context: %w", err)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("build context %s is not a directory", req.ContextDir)
	}
	matcher, err := readIgnore(ignoreFile(req.ContextDir, req.Dockerfile))
	if err != nil {
		return nil, err
	}
	w := &walker{root: root, matcher: matcher, parents: map[string]patternmatcher.MatchInfo{}, log: req.Log}
	if err := filepath.WalkDir(root, w.visit); err != nil {
		return nil, fmt.Errorf("build context: %w; make it readable, or list it in .dockerignore", err)
	}
	return w.entries, nil
}

// walker collects entries on the way through the context.
type walker struct {
	root    string
	matcher *patternmatcher.PatternMatcher
	parents map[string]patternmatcher.MatchInfo // how each directory met the patterns
	log     io.Writer
	entries []*entry
}

func (w *walker) visit(path string, item fs.DirEntry, walkErr error) error {
	if path == w.root {
		return walkErr
	}
	relative, err := filepath.Rel(w.root, path)
	if err != nil {
		return err
	}
	if item.Name() == ".git" {
		return skip(item)
	}
	ignored, info, err := w.matcher.MatchesUsingParentResults(relative, w.parents[filepath.Dir(relative)])
	if err != nil {
		return err
	}
	if item.IsDir() {
		w.parents[relative] = info
	}
	if ignored {
		// Below an ignored directory only a "!" pattern can bring something back.
		if item.IsDir() && (walkErr != nil || !w.matcher.Exclusions()) {
			return fs.SkipDir
		}
		return nil
	}
	if walkErr != nil {
		return walkErr
	}
	return w.add(path, filepath.ToSlash(relative), item)
}

func skip(item fs.DirEntry) error {
	if item.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func (w *walker) add(path, name string, item fs.DirEntry) error {
	e := &entry{name: name, path: path}
	switch kind := item.Type(); {
	case kind.IsDir():
		e.kind = "dir"
	case kind.IsRegular():
		info, err := item.Info()
		if err != nil {
			return err
		}
		if e.kind = "file"; info.Mode()&0o111 != 0 {
			e.kind = "exec"
		}
	case kind&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		e.kind, e.sum = "link", filepath.ToSlash(target)
	default:
		w.note("%s is neither file, directory nor symlink (%s): not part of the build's inputs", name, kind)
		return nil
	}
	w.entries = append(w.entries, e)
	return nil
}

func (w *walker) note(format string, values ...any) {
	if w.log != nil {
		fmt.Fprintf(w.log, format+"\n", values...)
	}
}

// sumFiles hashes the files' contents, several at a time.
func sumFiles(entries []*entry) error {
	var group errgroup.Group
	var next atomic.Int64
	for range 2 * runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			buffer := make([]byte, 64<<10)
			for i := next.Add(1) - 1; i < int64(len(entries)); i = next.Add(1) - 1 {
				if err := entries[i].sumContent(buffer); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (e *entry) sumContent(buffer []byte) error {
	if e.kind != "file" && e.kind != "exec" {
		return nil
	}
	file, err := os.Open(e.path)
	if err != nil {
		return fmt.Errorf("build context: %w; make it readable, or list it in .dockerignore", err)
	}
	defer file.Close()
	h := sha256.New()
	// The struct hides the file's WriteTo, which would allocate a buffer of its own.
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{file}, buffer); err != nil {
		return fmt.Errorf("build context: %w", err)
	}
	e.sum = string(h.Sum(nil))
	return nil
}
