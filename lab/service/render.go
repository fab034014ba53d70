//go:build linux

package service

import (
	"bytes"
	"fmt"
	"text/template"

	"github.com/ystackdev/ystack/lab/process"
)

// Rendered is the configuration files of a service, by path below etc.
func (l *Lab) Rendered(s *Service) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, text := range s.Files {
		t, err := template.New(name).Option("missingkey=error").Parse(text)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, l); err != nil {
			return nil, fmt.Errorf("configuration of %s: %w", s.Name, err)
		}
		files[name] = out.Bytes()
	}
	return files, nil
}

func (l *Lab) render(s *Service) error {
	files, err := l.Rendered(s)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := process.WriteFile(l.Etc(name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
