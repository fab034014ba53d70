//go:build linux

package install

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	Programs map[string]string // program: package
	LDFlags  string
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
	err := filepath.WalkDir(t.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", d.Name(), len(data), data)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)), err
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
