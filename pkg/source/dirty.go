package source

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Modes as git writes them.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeSymlink    = "120000"
	modeSubmodule  = "160000"
)

// content is what the disk has at a path. The zero value is: nothing.
type content struct {
	mode string
	sum  string // SHA-256 of a file, target of a symlink, revision of a submodule
}

// dirty hashes what the disk has at all paths that differ from HEAD. The index plays
// no part in it: staged or not, the same files give the same hash.
func dirty(ctx context.Context, root string, changes []change) (string, error) {
	h, found := sha256.New(), false
	unsure, err := unchanged(ctx, root, changes)
	if err != nil {
		return "", err
	}
	for _, c := range changes {
		if unsure[c.path] {
			continue
		}
		now, err := contentOf(ctx, root, c)
		if err != nil {
			return "", err
		}
		found = true
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00", c.path, now.mode, now.sum)
	}
	if !found {
		return "", nil
	}
	return hex.EncodeToString(h.Sum(nil))[:8], nil
}

func contentOf(ctx context.Context, root string, c change) (content, error) {
	path := filepath.Join(root, filepath.FromSlash(c.path))
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return content{}, nil
	case err != nil:
		return content{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return content{modeSymlink, target}, err
	case info.IsDir() && (c.submodule || strings.HasSuffix(c.path, "/")):
		return submodule(ctx, path)
	case info.IsDir():
		return content{}, nil // a directory stands where HEAD has a file; its files are listed themselves
	}
	sum, err := fileSum(path)
	return content{fileMode(info), sum}, err
}

// submodule stands for itself by its revision, as does a repository that lies
// untracked in another. A submodule that is not checked out is nothing.
func submodule(ctx context.Context, path string) (content, error) {
	r, err := read(ctx, path, nil)
	switch {
	case errors.Is(err, ErrNoCommit):
		return content{mode: modeSubmodule}, nil
	case err != nil:
		return content{}, err
	case r.Dir != ".": // git found the repository around it
		return content{}, nil
	}
	return content{modeSubmodule, r.String()}, nil
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func fileMode(info fs.FileInfo) string {
	if info.Mode()&0o100 != 0 {
		return modeExecutable
	}
	return modeFile
}

// unchanged finds the paths that are as HEAD has them although the index is not.
func unchanged(ctx context.Context, root string, changes []change) (map[string]bool, error) {
	same := map[string]bool{}
	var files []change
	for _, c := range changes {
		if c.certain {
			continue
		}
		now, err := contentOf(ctx, root, c)
		if err != nil {
			return nil, err
		}
		switch {
		case now.mode != c.mode:
		case now.mode == "":
			same[c.path] = true
		case now.mode == modeSymlink:
			same[c.path] = blobName(now.sum, len(c.object)) == c.object
		case now.mode == modeSubmodule:
			same[c.path] = now.sum == c.object
		default:
			files = append(files, c)
		}
	}
	return same, compareFiles(ctx, root, files, same)
}

// compareFiles lets git name the files' contents, since attributes and filters
// (line ends, LFS) decide what it would store.
func compareFiles(ctx context.Context, root string, files []change, same map[string]bool) error {
	if len(files) == 0 {
		return nil
	}
	var paths strings.Builder
	for _, c := range files {
		paths.WriteString(cQuote(c.path) + "\n")
	}
	out, err := git{dir: root}.run(ctx, strings.NewReader(paths.String()), "hash-object", "--stdin-paths")
	if err != nil {
		return err
	}
	objects := strings.Fields(out)
	if len(objects) != len(files) {
		return fmt.Errorf("git hash-object named %d of %d files", len(objects), len(files))
	}
	for i, c := range files {
		same[c.path] = objects[i] == c.object
	}
	return nil
}

// blobName is git's name for a blob, in the kind of hash that has so many digits.
func blobName(data string, digits int) string {
	var h hash.Hash = sha1.New()
	if digits == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	}
	io.WriteString(h, "blob "+strconv.Itoa(len(data))+"\x00"+data)
	return hex.EncodeToString(h.Sum(nil))
}

// cQuote writes a path so that it fits on one line of git's standard input.
func cQuote(path string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(path) {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
