package completion

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const suffix = ".cmd"

var (
	suffixes    = []string{".exe", ".cmd", ".bat"}
	errReadOnly = error(syscall.ERROR_ACCESS_DENIED)
)

func runs(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// A batch file, since links need a privilege on Windows: %~dp0 is its own directory.
const (
	before, after = `@"`, "\" __complete %*\r\n"
	here          = `%~dp0`
)

// lead makes a program that leads to another.
func lead(file, target string) error {
	if !filepath.IsAbs(target) {
		target = here + target
	}
	return os.WriteFile(file, []byte(before+target+after), 0o755)
}

// leadsTo is where a program of ours leads.
func leadsTo(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	target, start := strings.CutPrefix(string(data), before)
	target, end := strings.CutSuffix(target, after)
	if !start || !end {
		return "", taken(file)
	}
	return strings.TrimPrefix(target, here), nil
}
