package artifactorytest

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

var query = regexp.MustCompile(`(?s)^items\.find\((\{.*\})\)(\.include\(([^)]*)\))?$`)

// search answers AQL's items.find.
func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	m := query.FindSubmatch(text)
	var conditions map[string]any
	if err != nil || m == nil || json.Unmarshal(m[1], &conditions) != nil {
		fail(w, http.StatusBadRequest, "Failed to parse query: "+string(text))
		return
	}
	withProperties := strings.Contains(string(m[3]), `"property"`)
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []any{}
	for _, i := range s.items {
		if i.matches(conditions) {
			results = append(results, i.result(withProperties))
		}
	}
	answer(w, http.StatusOK, map[string]any{
		"results": results,
		"range":   map[string]any{"start_pos": 0, "end_pos": len(results), "total": len(results)},
	})
}

func (i *item) matches(conditions map[string]any) bool {
	for field, want := range conditions {
		var have []string
		switch name, isProperty := strings.CutPrefix(field, "@"); {
		case isProperty:
			have = i.properties[name]
		case field == "repo":
			have = []string{i.repo}
		case field == "type":
			have = []string{"file"}
		}
		if !slices.ContainsFunc(have, func(value string) bool { return holds(want, value) }) {
			return false
		}
	}
	return true
}

func holds(want any, value string) bool {
	if operator, ok := want.(map[string]any); ok {
		if pattern, ok := operator["$match"].(string); ok {
			matched, err := path.Match(pattern, strings.ReplaceAll(value, "/", "_"))
			return err == nil && matched
		}
		want = operator["$eq"]
	}
	return want == value
}

func (i *item) result(withProperties bool) map[string]any {
	folder := path.Dir(i.path) // "." at the top
	result := map[string]any{
		"repo": i.repo, "path": folder, "name": path.Base(i.path), "size": i.size, "created": i.created.Format("2006-01-02T15:04:05.000Z07:00"),
		"sha256": i.sums["sha256"], "actual_sha1": i.sums["sha1"], "actual_md5": i.sums["md5"],
	}
	if withProperties {
		properties := []any{}
		for key, values := range i.properties {
			for _, value := range values {
				properties = append(properties, map[string]any{"key": key, "value": value})
			}
		}
		result["properties"] = properties
	}
	return result
}

// annotate changes properties; null removes one.
func (s *Server) annotate(w http.ResponseWriter, r *http.Request, name string) {
	var change struct {
		Properties map[string]*string `json:"props"`
	}
	if json.NewDecoder(r.Body).Decode(&change) != nil {
		fail(w, http.StatusBadRequest, "Failed to parse the request body.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.items[name]
	if i == nil {
		fail(w, http.StatusNotFound, "Unable to find item")
		return
	}
	for key, value := range change.Properties {
		if value == nil {
			delete(i.properties, key)
		} else {
			i.properties[key] = []string{*value}
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
