//go:build linux

package catalog

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/lab/service"
)

var update = flag.Bool("update", false, "write the golden files")

// Every service's command line and files, as they are for a lab in /lab.
func TestGolden(t *testing.T) {
	l := &service.Lab{Dir: "/lab", Out: io.Discard}
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			var got strings.Builder
			fmt.Fprintf(&got, "%s\n", strings.Join(s.Command(l), "\n    "))
			files, err := l.Rendered(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range slices.Sorted(maps.Keys(files)) {
				fmt.Fprintf(&got, "\n--- %s ---\n%s", name, files[name])
			}
			golden(t, filepath.Join("testdata", s.Name+".golden"), got.String())
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./lab/catalog -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestCatalogIsWhole(t *testing.T) {
	if _, err := service.Select(All(), Expand(nil)); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if s.Ready == nil {
			t.Errorf("%s cannot tell whether it is ready", s.Name)
		}
		if !s.Host && len(s.Needs) == 0 {
			t.Errorf("%s runs inside the node but does not need it", s.Name)
		}
		if _, profile := Profiles()[s.Name]; profile {
			t.Errorf("%s is the name of a profile too", s.Name)
		}
	}
	for name, members := range Profiles() {
		if _, err := service.Select(All(), members); err != nil {
			t.Errorf("profile %s: %v", name, err)
		}
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"":                "node forward etcd",
		"registries etcd": "registry hub forward etcd",
		"kubelet":         "kubelet",
	} {
		if got := strings.Join(Expand(strings.Fields(in)), " "); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestReadySince(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	node := func(status, heartbeat string) string {
		return `{"status": {"conditions": [{"type": "DiskPressure", "status": "False"}, {"type": "Ready", "status": "` + status + `", "message": "why", "lastHeartbeatTime": "` + heartbeat + `"}]}}`
	}
	for name, c := range map[string]struct{ object, failure string }{
		"ready":   {node("True", "2026-05-01T12:00:00Z"), ""},
		"stale":   {node("True", "2026-05-01T11:59:59Z"), "has not reported since 12:00:00"},
		"not":     {node("False", "2026-05-01T12:00:01Z"), "is not Ready: why"},
		"silent":  {`{}`, "does not say"},
		"garbage": {`<html>`, "invalid character"},
	} {
		err := readySince([]byte(c.object), start)
		if (err == nil) != (c.failure == "") || (err != nil && !strings.Contains(err.Error(), c.failure)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
