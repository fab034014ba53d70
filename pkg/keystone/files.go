package keystone

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"
)

// maxFileSize is far above what people write; beyond it lies the wrong file.
const maxFileSize = 1 << 20

// searched is where one kind of file is looked for, in openstacksdk's order.
func (l *loader) searched(name, variable string) []string {
	var paths []string
	if variable != "" && l.getenv(variable) != "" {
		paths = append(paths, l.absolute(l.getenv(variable)))
	}
	for _, dir := range append([]string{l.Dir}, l.dirs()...) {
		for _, suffix := range []string{".yaml", ".yml", ".json"} {
			paths = append(paths, filepath.Join(dir, name+suffix))
		}
	}
	return paths
}

// dirs are the user's and the machine's configuration directories.
func (l *loader) dirs() []string {
	if l.ConfigDirs != nil {
		return l.ConfigDirs
	}
	home := l.getenv("HOME")
	var dirs []string
	switch xdg := l.getenv("XDG_CONFIG_HOME"); {
	case runtime.GOOS == "darwin" && home != "":
		dirs = append(dirs, filepath.Join(home, "Library", "Application Support", "openstack"))
	case filepath.IsAbs(xdg):
		dirs = append(dirs, filepath.Join(xdg, "openstack"))
	}
	if home != "" {
		dirs = append(dirs, filepath.Join(home, ".config", "openstack"))
	}
	return append(dirs, "/etc/xdg/openstack", "/etc/openstack")
}

// absolute expands ~ as openstackclient does, and starts from the working directory.
func (l *loader) absolute(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && l.getenv("HOME") != "" {
		return filepath.Join(l.getenv("HOME"), rest)
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.Dir, path)
}

// first reads the first file that is there and may be read; nil if there is none.
func first(paths []string) (*node, string, error) {
	for _, path := range paths {
		data, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, path, err
		}
		root, err := parseFile(path, data)
		return root, path, err
	}
	return nil, "", nil
}

// parseFile is the object in a file.
func parseFile(path string, data []byte) (*node, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > maxFileSize {
		return nil, &ConfigError{Origin: path, Problem: "is larger than 1 MiB; this is another kind of file"}
	}
	if !utf8.Valid(data) {
		return nil, &ConfigError{Origin: path, Problem: "is not UTF-8 text"}
	}
	if strings.HasSuffix(path, ".json") {
		// Tabs may indent JSON but not YAML, and are nowhere else in it.
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	}
	root, err := parseYAML(path, data)
	if err != nil {
		return nil, err
	}
	if root == nil || root.kind != objectNode {
		return nil, &ConfigError{Origin: path, Problem: "is empty or no object; expected is clouds: and their settings"}
	}
	return root, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &ConfigError{Origin: path, Problem: "is a directory; a file is expected"}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}
