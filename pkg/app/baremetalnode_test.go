package app

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestBaremetalNodesGolden(t *testing.T) {
	for _, path := range examples(t, "baremetalnode") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			nodes, err := parseBaremetalNodes("nodes.yaml", readTest(t, path))
			if wantOK := strings.HasPrefix(filepath.Base(path), "ok"); wantOK != (err == nil) {
				t.Errorf("loads: %t; error: %v", err == nil, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("shows the password: %v", err)
			}
			compareGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", describe(t, nodes, err))
		})
	}
}

// FuzzBaremetalNodes: nothing panics, and what loads survives being written and read again.
func FuzzBaremetalNodes(f *testing.F) {
	for _, text := range []string{"- {name: a, driver: ipmi, resourceClass: small}", "- a", "[]", "- &a {name: a}\n- *a", "- {ports: [1]}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		nodes, err := parseBaremetalNodes("nodes.yaml", data)
		if err != nil {
			return
		}
		written, err := json.Marshal(nodes)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseBaremetalNodes("nodes.yaml", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		rewritten, err := json.Marshal(again)
		if err != nil || !bytes.Equal(written, rewritten) {
			t.Errorf("%s\n%s, %v", written, rewritten, err)
		}
	})
}
