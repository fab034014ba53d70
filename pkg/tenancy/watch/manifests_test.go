package watch

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/ystackdev/ystack/pkg/app"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// manifestsOf are those of a TenantSync, as its file is written.
func manifestsOf(t *testing.T, text string, change func(*ManifestOptions)) ManifestOptions {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := app.LoadTenantSync(file)
	if err != nil {
		t.Fatal(err)
	}
	o := ManifestOptions{
		Image: "registry.example/ystack:v1", Namespace: "ystack-system", Config: config, Text: text,
		Cloud: "mycloud", Interval: time.Minute, OlderThan: "30d",
	}
	if change != nil {
		change(&o)
	}
	return o
}

const (
	head  = "apiVersion: ystack.dev/v1alpha1\nkind: TenantSync\n"
	plain = head + "metadata: {name: mycloud}\nspec: {}\n"
	full  = "# two lines,\n\n" + head + `metadata:
  name: "7"
spec:
  namespaces: {name: "{{.Domain}}-{{.Project}}", labels: {team: x, cost: "1"}, pullSecrets: [{namespace: infra, name: pull.it}, {namespace: infra, name: "0"}]}
  roles:
  - {role: member, clusterRole: edit}
  - {role: boss, clusterRole: edit}
  - {role: looker, clusterRole: "system:view"}
  systemRoles: [{role: reader, clusterRole: view}]
`
)

func TestManifests(t *testing.T) {
	for name, o := range map[string]ManifestOptions{
		"plain": manifestsOf(t, plain, nil),
		"full": manifestsOf(t, full, func(o *ManifestOptions) {
			o.Namespace, o.Secret, o.Cloud, o.DeleteQuarantined, o.OlderThan = "kube-system", "9", "my: \"cloud\"\nx", true, "12h"
		}),
		"odd": manifestsOf(t, strings.ReplaceAll(plain, "\n", "\t\n"), nil),
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Manifests(o)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".yaml", string(out))
			kinds := map[string]int{}
			for doc := range strings.SplitSeq(string(out), "\n---\n") {
				doc += "\n"
				var into struct {
					Kind string
					Data map[string]string
				}
				if err := yaml.Unmarshal([]byte(doc), &into); err != nil || into.Kind == "" {
					t.Errorf("%v\n%s", err, doc)
				}
				if into.Kind == "ConfigMap" && into.Data["tenants.yaml"] != o.Text {
					t.Errorf("the TenantSync has changed:\n%q\n%q", into.Data["tenants.yaml"], o.Text)
				}
				var strict map[string]any
				if err := yaml.UnmarshalStrict([]byte(doc), &strict); err != nil {
					t.Errorf("%v\n%s", err, doc)
				}
				kinds[into.Kind]++
			}
			if kinds["Secret"] != 0 || kinds["ValidatingAdmissionPolicy"] < 2 {
				t.Errorf("%v", kinds)
			}
		})
	}
}

func TestManifestErrors(t *testing.T) {
	for want, change := range map[string]func(*ManifestOptions){
		"--image":     func(o *ManifestOptions) { o.Image = "" },
		"--os-cloud":  func(o *ManifestOptions) { o.Cloud = "" },
		"--namespace": func(o *ManifestOptions) { o.Namespace = "a b" },
		"--secret":    func(o *ManifestOptions) { o.Secret = "a\nb" },
	} {
		if _, err := Manifests(manifestsOf(t, plain, change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
