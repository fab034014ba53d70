package kubernetes

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

var regenerate = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *regenerate {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
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

// digest is an image digest for tests.
const digest = "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func fullRelease() Release {
	replicas := int32(2)
	return Release{
		Release: deploy.Release{
			App: "hello", Image: "registry.example/apps/hello@" + digest, Revision: strings.Repeat("a", 40),
			Run: "20260101-1", By: "jane", Source: "https://git.example/hello",
		},
		Spec: app.ContainerDeploy{
			Replicas: &replicas,
			Ports: []app.Port{
				{Name: "http", Port: 80, TargetPort: 8080},
				{Name: "alt", Port: 8080},
				{Name: "dns", Port: 53, Protocol: "UDP"},
			},
			Env:              map[string]string{"B": "2", "A": "1", "C": ""},
			Resources:        &app.Resources{Requests: map[string]string{"cpu": "100m"}, Limits: map[string]string{"memory": "64Mi"}},
			ImagePullSecrets: []string{"registry"},
		},
		Health: &app.Health{HTTP: &app.HTTPHealth{Port: 8080}},
	}
}

func manifestsOf(t *testing.T, objects []Object) string {
	t.Helper()
	var all strings.Builder
	for _, o := range objects {
		text, err := o.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("---\n" + text)
	}
	return all.String()
}

func TestRender(t *testing.T) {
	tests := []struct {
		name    string
		release Release
	}{
		{"full", fullRelease()},
		{"minimal", Release{Release: deploy.Release{App: "hello", Image: "hello@" + digest}}},
		{"tcp", Release{Release: deploy.Release{App: "hello", Image: "hello@" + digest}, Health: &app.Health{TCP: &app.TCPHealth{Port: 5432}}}},
		{"own", Release{Release: deploy.Release{App: "hello", Image: "registry.example/apps/hello@" + digest, Revision: "abc"}, Spec: app.ContainerDeploy{Manifests: "testdata/own"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			objects, err := (&Deployer{}).Render(t.Context(), test.release, "blue")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "render/"+test.name+".yaml", manifestsOf(t, objects))
			for _, o := range objects {
				o.DeepCopy() // panics at a number of a type that JSON has not
			}
		})
	}
}

func TestRenderErrors(t *testing.T) {
	for name, r := range map[string]Release{
		"tag":     {Release: deploy.Release{App: "hello", Image: "hello:latest"}},
		"no name": {Release: deploy.Release{Image: "hello@" + digest}},
		"empty":   {Release: deploy.Release{App: "hello"}},
	} {
		if _, err := (&Deployer{}).Render(t.Context(), r, "blue"); !errors.Is(err, ErrSpec) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecord(t *testing.T) {
	r := fullRelease()
	annotations, err := record(r)
	if err != nil {
		t.Fatal(err)
	}
	strs := map[string]string{}
	for key, value := range annotations {
		strs[key] = value.(string)
	}
	got, err := recorded(strs)
	if err != nil {
		t.Fatal(err)
	}
	got.App = r.App
	if diff := cmp.Diff(r, got); diff != "" {
		t.Error(diff)
	}
}

func TestManifestErrors(t *testing.T) {
	const carrier = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: hello}]}\n"
	tests := []struct{ name, content, want string }{
		{"syntax", "# comment\n---\n" + carrier + "---\na: b\n  c: [\n", "m.yaml:9: "},
		{"duplicate key", "apiVersion: v1\nkind: Pod\nkind: Pod\n", `m.yaml:3: key "kind" already set`},
		{"no kind", "\n\napiVersion: v1\nmetadata: {name: x}\n", "m.yaml:3: kind is missing"},
		{"no apiVersion", "kind: Pod\n", "m.yaml:1: apiVersion is missing"},
		{"no name", "apiVersion: v1\nkind: Pod\n", "m.yaml:1: Pod has no metadata.name"},
		{"generateName", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n", "generateName"},
		{"list", "- 1\n", "m.yaml:1: not an object"},
		{"label of a number", "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {a: 1}}\n", "m.yaml:1: Pod x: metadata.labels"},
		{"other namespace", strings.Replace(carrier, "name: p", "name: p, namespace: red", 1), `m.yaml:1: pod/p is in namespace "red", the release goes to "blue"`},
		{"no image", strings.Replace(carrier, "image: hello", "image: other", 1), "no container with image registry.example/apps/hello or hello in"},
		{"on the separator's line", carrier + "--- {apiVersion: v1, kind: ConfigMap}\n", "m.yaml:5: ConfigMap has no metadata.name"},
		{"comment on the separator's line", carrier + "--- # more\nkind: Pod\n", "m.yaml:6: apiVersion is missing"},
		{"twice", carrier + "---\n" + carrier, "m.yaml:6: pod/p is also at"},
		{"nothing", "# nothing\n", "no objects"},
		{"in a list", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n", "m.yaml:1: item 1: Pod has no metadata.name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "m.yaml"), []byte(test.content), 0o644); err != nil {
				t.Fatal(err)
			}
			r := Release{Release: deploy.Release{App: "hello", Image: "registry.example/apps/hello@" + digest}, Dir: dir, Spec: app.ContainerDeploy{Manifests: "m.yaml"}}
			_, err := (&Deployer{}).Render(t.Context(), r, "blue")
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	r := Release{Release: deploy.Release{App: "hello", Image: "hello@" + digest}, Spec: app.ContainerDeploy{Manifests: "nowhere"}}
	if _, err := (&Deployer{}).Render(t.Context(), r, "blue"); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "nowhere does not exist") {
		t.Error(err)
	}
}

func TestRuns(t *testing.T) {
	r := Release{Release: deploy.Release{App: "hello", Image: "registry.example:5000/apps/hello@" + digest}}
	for image, want := range map[string]bool{
		"hello":                                      true,
		"hello:anything":                             true,
		"registry.example:5000/apps/hello":           true,
		"registry.example:5000/apps/hello:v1":        true,
		"registry.example:5000/apps/hello@" + digest: true,
		"registry.example:5000/apps/hello2":          false,
		"registry.example:5000":                      false,
		"other/hello":                                false,
		"hello2":                                     false,
	} {
		if got := runs(image, r); got != want {
			t.Errorf("%s: %t, want %t", image, got, want)
		}
	}
}

func TestKustomize(t *testing.T) {
	dir := t.TempDir()
	kubectl := filepath.Join(dir, "kubectl")
	script := "#!/bin/sh\n[ \"$1\" = kustomize ] || exit 1\n[ -f \"$2/kustomization.yaml\" ] && grep -q broken \"$2/kustomization.yaml\" && { echo 'broken it is' >&2; exit 1; }\n" +
		"printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: p}\\nspec: {containers: [{name: c, image: hello}]}\\n'\n"
	if err := os.WriteFile(kubectl, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{"resources: []\n": "", "broken\n": "broken it is"} {
		if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		r := Release{Release: deploy.Release{App: "hello", Image: "hello@" + digest}, Dir: dir, Spec: app.ContainerDeploy{Manifests: "."}}
		objects, err := (&Deployer{Kubectl: kubectl}).Render(t.Context(), r, "blue")
		if want == "" && (err != nil || len(objects) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v", content, objects, err)
		}
	}
	r := Release{Release: deploy.Release{App: "hello", Image: "hello@" + digest}, Dir: dir, Spec: app.ContainerDeploy{Manifests: "."}}
	if _, err := (&Deployer{Kubectl: "no-such-kubectl"}).Render(t.Context(), r, "blue"); err == nil || !strings.Contains(err.Error(), "needs kubectl") {
		t.Error(err)
	}
}

func FuzzParseManifest(f *testing.F) {
	for _, path := range []string{"testdata/own/app.yaml", "testdata/own/config.yaml"} {
		if content, err := os.ReadFile(path); err == nil {
			f.Add(content)
		}
	}
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]\n---\n...\n--- x\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		objects, err := parseManifest("f.yaml", content)
		if err != nil {
			if !strings.Contains(err.Error(), "f.yaml:") {
				t.Errorf("without a place: %v", err)
			}
			return
		}
		r := Release{Release: deploy.Release{App: "hello", Image: "hello@" + digest}}
		for i := range objects {
			if err := place(&objects[i], "blue"); err != nil {
				continue
			}
			pin(objects[i].Object, r)
			setNested(objects[i].Unstructured, "labels", object{labelManagedBy: managedBy})
			if !ours(map[string]string{labelManagedBy: objects[i].GetLabels()[labelManagedBy], labelComponent: component}) {
				t.Errorf("label lost: %v", objects[i].Object)
			}
			objects[i].DeepCopy()
		}
	})
}
