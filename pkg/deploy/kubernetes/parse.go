package kubernetes

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// parseManifest reads the objects of a multi-document YAML or JSON file.
func parseManifest(file string, content []byte) ([]Object, error) {
	var objects []Object
	for _, doc := range split(content) {
		more, err := doc.objects(file)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	return objects, nil
}

// document is one of the documents of a YAML file.
type document struct {
	text  []byte
	start int // line of the file on which text starts
	line  int // first line with anything but space and comments, 0 if there is none
}

// split cuts a file at its document separators. It cuts by lines, not through
// a YAML parser, so that a mistake in one document gets its line in the file.
func split(content []byte) []document {
	var documents []document
	current := document{start: 1}
	number := 0
	for line := range bytes.Lines(content) {
		number++
		text := strings.TrimRight(string(line), "\r\n")
		if text == "---" || strings.HasPrefix(text, "--- ") || strings.HasPrefix(text, "---\t") || text == "..." {
			documents = append(documents, current)
			current = document{start: number}
			line = append([]byte("   "), line[3:]...) // an object may begin on the line of its separator
			text = string(line)
		}
		current.text = append(current.text, line...)
		if t := strings.TrimSpace(text); current.line == 0 && t != "" && t[0] != '#' && t[0] != '%' {
			current.line = number
		}
	}
	return append(documents, current)
}

// objects parses the document, which may be a List.
func (d document) objects(file string) ([]Object, error) {
	if d.line == 0 {
		return nil, nil
	}
	converted, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		return nil, d.syntaxError(file, err)
	}
	origin := fmt.Sprintf("%s:%d", file, d.line)
	var content any
	if err := json.Unmarshal(converted, &content); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrManifest, origin, err)
	}
	if content == nil {
		return nil, nil
	}
	return flatten(origin, content)
}

var yamlLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`line (\d+): `)
})

// syntaxError brings the line that the parser counted from the start of the
// document to that of the file.
func (d document) syntaxError(file string, err error) error {
	line, message := d.line, strings.TrimPrefix(err.Error(), "yaml: ")
	message = strings.TrimPrefix(message, "error converting YAML to JSON: yaml: ")
	if m := yamlLine().FindStringSubmatchIndex(message); m != nil {
		if n, err := strconv.Atoi(message[m[2]:m[3]]); err == nil {
			line = d.start + n - 1
			message = strings.TrimSpace(message[m[1]:])
		}
	}
	return fmt.Errorf("%w: %s:%d: %s", ErrManifest, file, line, message)
}

// flatten checks that content is an object, and takes Lists apart.
func flatten(origin string, content any) ([]Object, error) {
	fields, ok := content.(object)
	if !ok {
		return nil, fmt.Errorf("%w: %s: not an object with apiVersion and kind", ErrManifest, origin)
	}
	u := &unstructured.Unstructured{Object: fields}
	if items, ok := fields["items"].([]any); ok && strings.HasSuffix(u.GetKind(), "List") {
		var objects []Object
		for i, item := range items {
			more, err := flatten(fmt.Sprintf("%s: item %d", origin, i+1), item)
			if err != nil {
				return nil, err
			}
			objects = append(objects, more...)
		}
		return objects, nil
	}
	if err := complete(u); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrManifest, origin, err)
	}
	// What the server writes is no part of what the user wants.
	delete(fields, "status")
	for _, field := range []string{"creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"} {
		unstructured.RemoveNestedField(fields, "metadata", field)
	}
	return []Object{{Unstructured: u, Origin: origin}}, nil
}

// complete says what an object lacks to be one that can be applied.
func complete(u *unstructured.Unstructured) error {
	metadata, _ := u.Object["metadata"].(object)
	name, _ := metadata["name"].(string)
	switch {
	case u.GetAPIVersion() == "":
		return fmt.Errorf("apiVersion is missing")
	case u.GetKind() == "":
		return fmt.Errorf("kind is missing")
	case metadata["generateName"] != nil && name == "":
		return fmt.Errorf("%s has generateName, and could not be found again; give it a name", u.GetKind())
	case name == "":
		return fmt.Errorf("%s has no metadata.name", u.GetKind())
	}
	for _, field := range []string{"labels", "annotations"} {
		if _, _, err := unstructured.NestedStringMap(u.Object, "metadata", field); err != nil {
			return fmt.Errorf("%s %s: metadata.%s: every value has to be a string (quote it)", u.GetKind(), name, field)
		}
	}
	if _, _, err := unstructured.NestedString(u.Object, "metadata", "namespace"); err != nil {
		return fmt.Errorf("%s %s: metadata.namespace has to be a string", u.GetKind(), name)
	}
	return nil
}
