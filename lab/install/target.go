//go:build linux

package install

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Target is a directory of Go sources and the programs that come out of it.
type Target struct {
	Name     string
	Dir      string            // where go build runs
	Sources  []string          // what the programs depend on, below Dir; empty: all of it
	Programs map[string]string // program: package
	LDFlags  string
	Tags     string            // build tags
	CGO      bool              // parts of it are C; its service installs the compiler
	Module   string            // a module among its dependencies
	Copies   map[string]string // directories of Module that are put beside the programs: name: directory
}

// Targets are all that the lab can compile, from the checkout in repo.
func Targets(repo string) []Target {
	build := filepath.Join(repo, "lab/build")
	kubernetes := Target{Name: "kubernetes", Dir: filepath.Join(build, "kubernetes"), LDFlags: kubernetesVersion("v1.36.3"), Programs: map[string]string{}}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"} {
		kubernetes.Programs[name] = "k8s.io/kubernetes/cmd/" + name
	}
	return []Target{
		{Name: "pause", Dir: filepath.Join(repo, "lab/pause"), Programs: map[string]string{"pause": "."}},
		{Name: "etcd", Dir: filepath.Join(build, "etcd"), Programs: map[string]string{"etcd": "go.etcd.io/etcd/server/v3"}},
		{Name: "coredns", Dir: filepath.Join(build, "coredns"), Programs: map[string]string{"coredns": "."}},
		kubernetes,
		{
			Name: "confd", Dir: filepath.Join(build, "confd"), Programs: map[string]string{"confd": "."},
			Module: "github.com/projectcalico/calico",
			Copies: map[string]string{"calico-crd": "libcalico-go/config/crd", "calico-confd": "confd/etc/calico/confd"},
		},
		{
			Name: "gitea", Dir: filepath.Join(build, "gitea"), Programs: map[string]string{"gitea": "code.gitea.io/gitea"},
			Tags: "sqlite,sqlite_unlock_notify", CGO: true, Module: "code.gitea.io/gitea",
			Copies: map[string]string{"gitea-data/options": "options", "gitea-data/templates": "templates", "gitea-data/public": "public"},
		},
		{
			Name: "auth-webhook", Dir: repo, Sources: []string{"go.mod", "go.sum", "cmd", "pkg"},
			Programs: map[string]string{"auth-webhook": "./cmd/kubectl-ystack"}, LDFlags: " -X main.version=lab",
		},
	}
}

// kubernetesVersion makes the programs know their version; a module does not.
func kubernetesVersion(version string) string {
	minor := strings.Split(version, ".")[1]
	flags := ""
	for _, pair := range []string{
		"gitVersion=" + version, "gitMajor=1", "gitMinor=" + minor, "gitTreeState=clean",
		"gitCommit=" + strings.Repeat("0", 40), "buildDate=2026-01-01T00:00:00Z",
	} {
		flags += " -X k8s.io/component-base/version." + pair
	}
	return flags
}

func (t Target) ldflags() string { return "-s -w" + t.LDFlags }

// key changes with everything that the programs depend on: the sources here,
// the versions in go.mod and go.sum, the flags and the compiler.
func (t Target) key() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOARCH, t.ldflags(), t.Programs) // maps print sorted
	if t.Tags != "" || t.CGO {
		fmt.Fprintln(sum, t.Tags, t.CGO)
	}
	if len(t.Copies) > 0 {
		fmt.Fprintln(sum, t.Module, t.Copies)
	}
	sources := t.Sources
	if len(sources) == 0 {
		sources = []string{"."}
	}
	for _, source := range sources {
		if err := addFiles(sum, os.DirFS(t.Dir), source); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addFiles writes the files at and below root into sum, but for those of tests.
func addFiles(sum io.Writer, tree fs.FS, root string) error {
	return fs.WalkDir(tree, root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir(), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		data, err := fs.ReadFile(tree, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
		return err
	})
}

// names of the programs, sorted.
func (t Target) names() []string {
	names := make([]string, 0, len(t.Programs))
	for name := range t.Programs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
