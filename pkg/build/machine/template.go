package machine

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

var variable = regexp.MustCompile(`(?m)^[ \t]*variable[ \t]+"?([A-Za-z_][-A-Za-z0-9_]*)"?[ \t]*\{`)

// declared are the variables of a template: Packer takes no others. A template is a
// file, or a directory of them.
func declared(path string) (map[string]bool, error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the Packer template %s cannot be read; packer.template of ystack.yaml names it", path)
	}
	if info.IsDir() {
		files, _ = filepath.Glob(filepath.Join(path, "*.pkr.*"))
		if len(files) == 0 {
			return nil, fmt.Errorf("the directory %s has no Packer template (*.pkr.hcl)", path)
		}
	}
	names := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(file, ".json") {
			err = declaredJSON(data, names)
		}
		if err != nil {
			return nil, fmt.Errorf("the Packer template %s: %w", file, err)
		}
		for _, found := range variable.FindAllSubmatch(data, -1) {
			names[string(found[1])] = true
		}
	}
	return names, nil
}

// declaredJSON reads the older format's variables, and HCL written as JSON.
func declaredJSON(data []byte, names map[string]bool) error {
	var template struct {
		Variables map[string]any `json:"variables"`
		Variable  map[string]any `json:"variable"`
	}
	if err := json.Unmarshal(data, &template); err != nil {
		return err
	}
	for _, list := range []map[string]any{template.Variables, template.Variable} {
		for name := range list {
			names[name] = true
		}
	}
	return nil
}

// variables are what the template gets: of what is known, those that it declares.
func (p *Plan) variables(known map[string]any) (map[string]any, error) {
	given := map[string]any{}
	for name, value := range known {
		if p.declared[name] && value != "" {
			given[name] = value
		}
	}
	for name, value := range p.Packer.Variables {
		if !p.declared[name] {
			names := slices.Sorted(maps.Keys(p.declared))
			return nil, fmt.Errorf("packer.variables of ystack.yaml has %q, which the template %s does not declare%s", name, p.Packer.Template, suggest.DidYouMean(name, names))
		}
		given[name] = value
	}
	return given, nil
}
