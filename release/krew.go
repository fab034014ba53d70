package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// manifest is a plugin as krew's index describes it.
type manifest struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name string `json:"name"`
}

type spec struct {
	Version          string     `json:"version"`
	Homepage         string     `json:"homepage"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description"`
	Caveats          string     `json:"caveats"`
	Platforms        []platform `json:"platforms"`
}

type platform struct {
	URI      string                `json:"uri"`
	SHA256   string                `json:"sha256"`
	Bin      string                `json:"bin"`
	Files    []fileOperation       `json:"files"`
	Selector *metav1.LabelSelector `json:"selector"`
}

type fileOperation struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func parseManifest(data []byte) (*manifest, error) {
	var m manifest
	return &m, yaml.UnmarshalStrict(data, &m)
}

// target is a system that ystack is built for.
type target struct{ OS, Arch string }

func (t target) String() string { return t.OS + "/" + t.Arch }

func (t target) exe() string {
	if t.OS == "windows" {
		return ".exe"
	}
	return ""
}

// entry of a target in the manifest.
func (t target) platform(uri, sum string) platform {
	var files []fileOperation
	for _, program := range together("kubectl-ystack") {
		files = append(files, fileOperation{program + t.exe(), "."})
	}
	return platform{
		URI: uri, SHA256: sum, Bin: files[0].From,
		Files:    append(files, fileOperation{"LICENSE", "."}),
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"os": t.OS, "arch": t.Arch}},
	}
}

var (
	krewName    = regexp.MustCompile(`^[\w-]+$`)
	krewSum     = regexp.MustCompile(`^[a-f0-9]{64}$`)
	krewVersion = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-` + identifier + `(\.` + identifier + `)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
)

// identifier is one of semantic versioning's: a number without leading zeros, or a word.
const identifier = `(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`

// systems are those that krew runs on.
func systems() []target {
	var all []target
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"386", "amd64", "arm", "arm64", "ppc64le", "s390x"} {
			all = append(all, target{system, arch})
		}
	}
	return all
}

// check holds a manifest against the rules of krew's index: those that krew itself has,
// and those of its review.
func (m *manifest) check(name string) error {
	s := m.Spec
	var wrong []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	must(m.APIVersion == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion %q", m.APIVersion)
	must(m.Kind == "Plugin", "kind %q", m.Kind)
	must(krewName.MatchString(name) && m.Metadata.Name == name, "metadata.name %q, and the file is called %s.yaml", m.Metadata.Name, name)
	must(krewVersion.MatchString(s.Version), "spec.version %q is not vMAJOR.MINOR.PATCH of semantic versioning", s.Version)
	must(strings.HasPrefix(s.Homepage, "https://"), "spec.homepage %q", s.Homepage)
	must(s.ShortDescription != "" && len(s.ShortDescription) <= 50 && !strings.ContainsAny(s.ShortDescription, "\r\n") && !strings.HasSuffix(s.ShortDescription, "."),
		"spec.shortDescription %q is one line of 50 characters at most, without a full stop", s.ShortDescription)
	for field, text := range map[string]string{"description": s.Description, "caveats": s.Caveats} {
		must(!strings.Contains(text, "{{"), "spec.%s has something that was not filled in", field)
		for _, line := range strings.Split(text, "\n") {
			must(len(line) <= 80, "spec.%s has a line of more than 80 characters: %s", field, line)
		}
	}
	must(len(s.Platforms) > 0, "spec.platforms is empty")
	for i, p := range s.Platforms {
		wrong = append(wrong, p.check(i)...)
	}
	for _, t := range systems() {
		must(len(m.matching(t)) <= 1, "spec.platforms: %d of them are for %s", len(m.matching(t)), t)
	}
	return errors.Join(wrong...)
}

func (p platform) check(i int) []error {
	var wrong []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("spec.platforms[%d]."+format, append([]any{i}, args...)...))
		}
	}
	must(strings.HasPrefix(p.URI, "https://") && (strings.HasSuffix(p.URI, ".tar.gz") || strings.HasSuffix(p.URI, ".zip")), "uri %q is no archive", p.URI)
	must(krewSum.MatchString(p.SHA256), "sha256 %q is not 64 lower-case hexadecimal digits", p.SHA256)
	must(inside(p.Bin), "bin %q", p.Bin)
	must(p.Files == nil || len(p.Files) > 0, "files is there and empty")
	for _, f := range p.Files {
		must(inside(f.From) && inside(f.To), "files: %q to %q", f.From, f.To)
	}
	if p.Selector == nil {
		return append(wrong, fmt.Errorf("spec.platforms[%d].selector is missing", i))
	}
	must(len(p.Selector.MatchLabels)+len(p.Selector.MatchExpressions) > 0, "selector is empty")
	keys := p.Selector.MatchExpressions
	for key := range p.Selector.MatchLabels {
		keys = append(keys, metav1.LabelSelectorRequirement{Key: key})
	}
	for _, key := range keys {
		must(key.Key == "os" || key.Key == "arch", "selector: %q is neither os nor arch", key.Key)
	}
	must(slices.ContainsFunc(systems(), p.selects), "selector: krew runs on no such system")
	return wrong
}

// inside is a path that stays in the archive or the folder it is unpacked to.
func inside(name string) bool {
	clean := path.Clean(name)
	return name != "" && !path.IsAbs(name) && !strings.Contains(name, `\`) && clean != ".." && !strings.HasPrefix(clean, "../")
}

func (p platform) selects(t target) bool {
	selector, err := metav1.LabelSelectorAsSelector(p.Selector)
	return err == nil && selector.Matches(labels.Set{"os": t.OS, "arch": t.Arch})
}

// matching are the platforms that krew would choose from on a system.
func (m *manifest) matching(t target) []platform {
	var found []platform
	for _, p := range m.Spec.Platforms {
		if p.Selector != nil && p.selects(t) {
			found = append(found, p)
		}
	}
	return found
}
