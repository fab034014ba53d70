// Package ystack_test holds the house rules that a compiler does not: which
// layer may import which, and how heavy the binaries may get.
package ystack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ystackdev/ystack/"

// layers lists the packages from the top down: a package may import what is in
// a lower layer than its own, and nothing else of this module.
var layers = [][]string{
	{"cmd/"},
	{"pkg/cli"},
	{"pkg/tui", "pkg/where", "pkg/completion"},
	{"pkg/pipeline", "pkg/hook", "pkg/tenancy/watch", "pkg/bgp/watch"},
	{"pkg/build/machine"},
	{"pkg/build", "pkg/deploy/", "pkg/login", "pkg/authwebhook", "pkg/tenancy", "pkg/bgp"},
	{"pkg/baremetal", "pkg/image/glance", "pkg/image/oci", "pkg/image/artifactory", "pkg/image/web"},
	{"pkg/image/file"},
	{"pkg/image/store"},
	{"pkg/image", "pkg/source", "pkg/kube", "pkg/app", "pkg/keystone", "pkg/keystone/cache", "pkg/tenancy/rbac"},
	{"pkg/deploy"},
	{"pkg/suggest", "pkg/oneline", "pkg/template", "pkg/exposition", "pkg/tenancy/abac"},
}

func layerOf(pkg string) int {
	for i, layer := range layers {
		for _, p := range layer {
			if pkg == p || (strings.HasSuffix(p, "/") && strings.HasPrefix(pkg, p)) {
				return i
			}
		}
	}
	return -1
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range list(t, "./cmd/...", "./pkg/...") {
		from := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasSuffix(from, "test") { // servers for tests, such as registrytest
			continue
		}
		if layerOf(from) < 0 {
			t.Errorf("%s is in no layer: add it to the list in this file", from)
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if ours && layerOf(to) <= layerOf(from) {
				t.Errorf("%s imports %s, which is not below it", from, to)
			}
		}
	}
}

// heavy are packages that bring more than they give; what each costs is told
// in CONTRIBUTING.md.
var heavy = regexp.MustCompile(`^(k8s\.io/cli-runtime/pkg/(genericclioptions|resource)|k8s\.io/client-go/(discovery|restmapper|kubernetes|dynamic/dynamicinformer|informers)|k8s\.io/kubectl|sigs\.k8s\.io/kustomize|github\.com/docker/docker|github\.com/moby/buildkit/(client|frontend/dockerfile/parser)|google\.golang\.org/protobuf|testing)(/|$)`)

func TestHeavyPackagesStayOut(t *testing.T) {
	for _, p := range list(t, "./cmd/...") {
		for _, dep := range p.Deps {
			// client-go's typed schemes of single groups are what dynamic itself needs.
			if heavy.MatchString(dep) && !strings.HasPrefix(dep, "k8s.io/client-go/kubernetes/scheme/") {
				t.Errorf("%s links %s", p.ImportPath, dep)
			}
		}
	}
}

const (
	maxBinaryMB = 20
	maxInitMs   = 15
)

func TestWeight(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "kubectl-ystack")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "./cmd/kubectl-ystack")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	mb := float64(info.Size()) / 1e6
	initMs := initTime(t, bin)
	t.Logf("kubectl-ystack: %.1f MB stripped, %.1f ms package init", mb, initMs)
	if mb > maxBinaryMB {
		t.Errorf("kubectl-ystack is %.1f MB, more than %d", mb, maxBinaryMB)
	}
	if initMs > maxInitMs {
		t.Errorf("package init takes %.1f ms, more than %d; GODEBUG=inittrace=1 shows which", initMs, maxInitMs)
	}
}

var initClock = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)

// initTime sums up each package's best of several starts: the clock is wall
// time, to which other work on the machine only adds. It stops when the budget
// is seen to hold.
func initTime(t *testing.T, bin string) float64 {
	best := map[string]float64{}
	for start := 0; ; start++ {
		for name, ms := range initClocks(t, bin) {
			if old, known := best[name]; !known || ms < old {
				best[name] = ms
			}
		}
		sum := 0.0
		for _, ms := range best {
			sum += ms
		}
		if sum <= maxInitMs || start == 50 {
			return sum
		}
	}
}

func initClocks(t *testing.T, bin string) map[string]float64 {
	t.Helper()
	cmd := exec.Command(bin, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	clocks := map[string]float64{}
	for _, m := range initClock.FindAllSubmatch(stderr.Bytes(), -1) {
		ms, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			t.Fatal(err)
		}
		clocks[string(m[1])] = ms
	}
	return clocks
}
