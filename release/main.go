// Command release makes what is shipped beside the programs, and the archives that hold
// both.
//
//	go run ./release generate               completions/ and docs/reference/, from the commands
//	go run ./release man DIR                man pages
//	go run ./release dist -version V …      archives and krew's manifest, of the programs in dist/
//	go run ./release install ROOT           what krew would do with them on this system, in ROOT for ~/.krew
//
// It is not part of ystack's programs: what it links weighs nothing there.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "generate":
		return generate(".")
	case len(args) == 2 && args[0] == "man":
		return write(args[1], manPages("devel", time.Unix(0, 0)))
	case len(args) > 0 && args[0] == "dist":
		return dist(args[1:])
	case len(args) == 2 && args[0] == "install":
		return installHere("krew/ystack.yaml", "dist", args[1])
	}
	return fmt.Errorf("usage: release generate | man DIR | dist -version V -commit-time SECONDS | install ROOT")
}

// generate rewrites the generated files that are under version control, and removes
// those of verbs that are no more.
func generate(root string) error {
	files, err := generated()
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(root, referenceDir, "*.md"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return write(root, files)
}

// generated are the files that a test compares with those under version control.
func generated() ([]entry, error) {
	files, err := completions()
	return append(files, reference()...), err
}

// write puts files into a directory.
func write(dir string, files []entry) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, f.Mode); err != nil {
			return err
		}
	}
	return nil
}
