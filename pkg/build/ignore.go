package build

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// ignoreFile is the file that says what of the context does not count, by
// Docker's rule: DOCKERFILE.dockerignore, else .dockerignore; "" is none.
func ignoreFile(contextDir, dockerfile string) string {
	for _, path := range []string{dockerfile + ".dockerignore", filepath.Join(contextDir, ".dockerignore")} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// readIgnore compiles the ignore file at path; "" matches nothing.
func readIgnore(path string) (*patternmatcher.PatternMatcher, error) {
	if path == "" {
		return patternmatcher.New(nil)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading what the build ignores: %w", err)
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, badPattern(path, content, err)
	}
	return matcher, nil
}

// badPattern finds the line that the matcher does not take.
func badPattern(path string, content []byte, cause error) error {
	for i, line := range strings.Split(string(content), "\n") {
		patterns, err := ignorefile.ReadAll(strings.NewReader(line))
		if err == nil {
			_, err = patternmatcher.New(patterns)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: not a valid pattern: %s", path, i+1, strings.TrimSpace(line))
		}
	}
	return fmt.Errorf("%s: %w", path, cause)
}
