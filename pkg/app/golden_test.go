package app

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden loads every example: ok-*.yaml must load, the others must not.
func TestGolden(t *testing.T) {
	for _, kind := range kinds() {
		for _, path := range examples(t, kind) {
			t.Run(strings.ToLower(kind)+"/"+filepath.Base(path), func(t *testing.T) {
				loaded, err := parseKind(kind, "ystack.yaml", readTest(t, path))
				if wantOK := strings.HasPrefix(filepath.Base(path), "ok"); wantOK != (err == nil) {
					t.Errorf("loads: %t; error: %v", err == nil, err)
				}
				compareGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", describe(t, loaded, err))
			})
		}
	}
}

func TestSchemaGolden(t *testing.T) {
	for _, kind := range kinds() {
		schema, err := Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		compareGolden(t, filepath.Join("testdata", "schema", strings.ToLower(kind)+".json"), schema)
	}
	if _, err := Schema("Deployment"); err == nil {
		t.Error("there is a schema for an unknown kind")
	}
}

func examples(t *testing.T, kind string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", strings.ToLower(kind), "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples for %s: %v", kind, err)
	}
	return paths
}

func parseKind(kind, path string, data []byte) (any, error) {
	switch kind {
	case KindSite:
		return parseSite(path, data)
	case KindTenantSync:
		return parseTenantSync(path, data)
	}
	return parseApplication(path, data)
}

func describe(t *testing.T, loaded any, err error) []byte {
	t.Helper()
	if err != nil {
		return []byte(err.Error() + "\n")
	}
	out, err := json.MarshalIndent(loaded, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(readTest(t, path)), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func readTest(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
