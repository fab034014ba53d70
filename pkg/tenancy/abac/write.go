package abac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// ErrUnwritable: a rule that a line cannot say.
var ErrUnwritable = errors.New("cannot be written into a policy file")

// Encode writes rules as lines of v1beta1, sorted by their bytes and each once: the same
// rules in any order make the same file.
func Encode(rules []Rule) ([]byte, error) {
	lines := make([][]byte, 0, len(rules))
	for _, r := range rules {
		line, err := encode(r.everybody())
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, bytes.Compare)
	lines = slices.CompactFunc(lines, bytes.Equal)
	return bytes.Join(lines, nil), nil
}

// encode makes a line, with its end.
func encode(r Rule) ([]byte, error) {
	if r.User == "" && r.Group == "" {
		return nil, fmt.Errorf("a rule without user and group, for nobody, %w", ErrUnwritable)
	}
	s := spec{
		User: r.User, Group: r.Group, Namespace: r.Namespace, APIGroup: r.APIGroup,
		Resource: r.Resource, NonResourcePath: r.NonResourcePath, Readonly: r.Readonly,
	}
	for _, name := range []string{s.User, s.Group, s.Namespace, s.APIGroup, s.Resource, s.NonResourcePath} {
		if !utf8.ValidString(name) {
			return nil, fmt.Errorf("%q is not UTF-8 and %w", name, ErrUnwritable)
		}
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Spec       spec   `json:"spec"`
	}{apiVersion, kind, s})
	if err == nil && line.Len() > maxLine {
		err = fmt.Errorf("a rule for %.40s… %w: its line is %w", r.subject(), ErrUnwritable, errLong)
	}
	return line.Bytes(), err
}

// WriteFile puts rules into the policy file at path, so that whoever reads it sees all of
// the old file or all of the new one. A file that says the same already is not touched.
// The mode of a file that is there stays, and a symbolic link stays one. The comment, if
// there is one, is the file's first line.
func WriteFile(path, comment string, rules []Rule) (changed bool, err error) {
	data, err := Encode(rules)
	if err != nil {
		return false, err
	}
	if comment != "" {
		data = slices.Concat([]byte("# "+comment+"\n"), data)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
			return false, nil
		}
	}
	return true, replace(path, data, mode)
}

func replace(path string, data []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	// Now the rename too; where directories cannot be synced it is as safe as it gets.
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
