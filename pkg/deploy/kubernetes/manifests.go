package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/kube"
)

// renderManifests takes the user's own YAML: pins the image in it, says whose
// the objects are, and puts them in an order in which they can be applied.
func (d *Deployer) renderManifests(ctx context.Context, r Release, namespace string) ([]Object, error) {
	path := filepath.Join(r.Dir, filepath.FromSlash(r.Spec.Manifests))
	objects, err := d.loadManifests(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%w: %s: no objects in it", ErrManifest, path)
	}
	annotations, err := record(r)
	if err != nil {
		return nil, err
	}
	carriers := 0
	for i := range objects {
		if err := place(&objects[i], namespace); err != nil {
			return nil, err
		}
		if pin(objects[i].Object, r) {
			objects[i].carriesImage = true
			carriers++
			setNested(objects[i].Unstructured, "annotations", annotations)
		}
		labels := object{}
		for key, value := range ownership(r.App) {
			labels[key] = value
		}
		setNested(objects[i].Unstructured, "labels", labels)
	}
	if carriers == 0 {
		return nil, noImage(r, objects)
	}
	if err := distinct(objects); err != nil {
		return nil, err
	}
	sort.SliceStable(objects, func(i, k int) bool { return rank(objects[i]) < rank(objects[k]) })
	return objects, nil
}

// setNested adds labels or annotations. The types were checked when the object was read.
func setNested(u *unstructured.Unstructured, field string, values object) {
	metadata, _ := u.Object["metadata"].(object)
	existing, _ := metadata[field].(object)
	if existing == nil {
		existing = object{}
	}
	for key, value := range values {
		existing[key] = value
	}
	metadata[field] = existing
}

// lineOf is what follows the file's name in an Origin.
var lineOf = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`:\d+(: item \d+)*$`)
})

func noImage(r Release, objects []Object) error {
	var files []string
	for _, o := range objects {
		file := lineOf().ReplaceAllString(o.Origin, "")
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return fmt.Errorf("%w: no container with image %s or %s in %s; one has to run the image that is deployed",
		ErrManifest, repository(r.Image), r.App, strings.Join(files, ", "))
}

// distinct refuses an object that is there twice: the second would undo the first.
func distinct(objects []Object) error {
	seen := map[string]string{}
	for _, o := range objects {
		key := o.String() + " " + o.GetNamespace()
		if first, ok := seen[key]; ok {
			return fmt.Errorf("%w: %s: %s is also at %s", ErrManifest, o.Origin, o, first)
		}
		seen[key] = o.Origin
	}
	return nil
}

// place puts an object into the release's namespace. What it does not know to
// be namespaced it leaves to Plan, which can ask the cluster.
func place(o *Object, namespace string) error {
	for _, known := range kube.Usual() {
		if known.Kind == o.GetKind() && known.Group == o.GroupVersionKind().Group {
			return placeAs(o, namespace, known.Namespaced)
		}
	}
	return nil
}

func placeAs(o *Object, namespace string, namespaced bool) error {
	if !namespaced {
		o.SetNamespace("")
		return nil
	}
	if at := o.GetNamespace(); at != "" && at != namespace {
		return fmt.Errorf("%w: %s: %s is in namespace %q, the release goes to %q; remove the namespace from the file, or deploy with -n %s",
			ErrManifest, o.Origin, o, at, namespace, at)
	}
	o.SetNamespace(namespace)
	return nil
}

// rank orders objects: what others refer to first, unknown kinds before workloads.
func rank(o Object) int {
	usual := kube.Usual()
	find := func(kind, group string) int {
		return slices.IndexFunc(usual, func(r kube.Resource) bool { return r.Kind == kind && r.Group == group })
	}
	if i := find(o.GetKind(), o.GroupVersionKind().Group); i >= 0 {
		return 2 * i
	}
	return 2*find("Pod", "") - 1
}

// loadManifests reads a file, a directory, or a kustomization.
func (d *Deployer) loadManifests(ctx context.Context, path string) ([]Object, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: spec.deploy.container.manifests: %s does not exist", ErrManifest, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if !info.IsDir() {
		return readManifest(path)
	}
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return d.kustomize(ctx, path)
		}
	}
	return readDirectory(path)
}

// readDirectory reads what kubectl apply -f DIRECTORY would, in the order of names.
func readDirectory(path string) ([]Object, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	var objects []Object
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		if entry.IsDir() {
			continue
		}
		more, err := readManifest(filepath.Join(path, entry.Name()))
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	return objects, nil
}

func readManifest(path string) ([]Object, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return parseManifest(path, content)
}

// kustomize leaves the rendering to kubectl: the library would treble this program.
func (d *Deployer) kustomize(ctx context.Context, directory string) ([]Object, error) {
	kubectl := d.Kubectl
	if kubectl == "" {
		kubectl = "kubectl"
	}
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, kubectl, "kustomize", directory)
	command.Stderr = &stderr
	content, err := command.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s is a kustomization, and rendering it needs kubectl: %w", ErrManifest, directory, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: kubectl kustomize %s: %w: %s", ErrManifest, directory, err, strings.TrimSpace(stderr.String()))
	}
	return parseManifest(directory+" (rendered)", content)
}
