package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// built is a folder with programs as `make dist` builds them; what they hold is not.
func built(t *testing.T, targets ...target) release {
	t.Helper()
	dir := t.TempDir()
	for _, target := range targets {
		for _, program := range append(together("kubectl-ystack"), "openstack-ystack") {
			path := filepath.Join(dir, target.OS+"-"+target.Arch, program+target.exe())
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(program+" for "+target.String()), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	return release{version: "v1.2.3", when: someDay, dir: dir, license: "../LICENSE", krew: "../krew/plugin.yaml", out: filepath.Join(dir, "ystack.yaml")}
}

var six = []target{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}

func TestDist(t *testing.T) {
	r := built(t, six...)
	if err := r.make(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(r.out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.check("ystack"); err != nil {
		t.Error(err)
	}
	for _, target := range six {
		archive, err := os.ReadFile(filepath.Join(r.dir, filepath.Base(m.matching(target)[0].URI)))
		if err != nil {
			t.Fatal(err)
		}
		root := t.TempDir()
		link, err := install(m, target, archive, root)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if got, err := os.ReadFile(link); err != nil || string(got) != "kubectl-ystack for "+target.String() {
			t.Errorf("%s: %s holds %q, %v", target, link, got, err)
		}
		if _, err := os.Stat(filepath.Join(root, "store/ystack/v1.2.3/LICENSE")); err != nil {
			t.Error(err)
		}
	}
	sums, err := os.ReadFile(filepath.Join(r.dir, "SHA256SUMS"))
	if err != nil || strings.Count(string(sums), "\n") != 14 {
		t.Errorf("%s%v", sums, err)
	}
}

// TestSameBytes: whenever and by whoever it is made.
func TestSameBytes(t *testing.T) {
	one, other := built(t, six...), built(t, six...)
	late := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(other.dir, "linux-amd64/kubectl-ystack"), late, late); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(other.dir, "linux-amd64/kubectl-ystack"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, r := range []release{one, other} {
		if err := r.make(); err != nil {
			t.Fatal(err)
		}
	}
	want, got := content(t, one.dir), content(t, other.dir)
	if !maps.Equal(want, got) || len(want) != 16 {
		t.Errorf("differs: %q and %q", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	}
}

func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(data)
	}
	return all
}

// TestArchives: of root, of the commit's time, sorted, each with its own pages only.
func TestArchives(t *testing.T) {
	r := built(t, target{"linux", "amd64"}, target{"windows", "amd64"})
	if err := r.make(); err != nil {
		t.Fatal(err)
	}
	squeezed, err := gzip.NewReader(strings.NewReader(content(t, r.dir)["openstack-ystack_v1.2.3_linux_amd64.tar.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	if !squeezed.ModTime.IsZero() || squeezed.Name != "" {
		t.Errorf("gzip: %+v", squeezed.Header)
	}
	var names []string
	for archive := tar.NewReader(squeezed); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || !h.ModTime.Equal(someDay) || h.Mode != map[bool]int64{true: 0o755, false: 0o644}[h.Name == "openstack-ystack"] {
			t.Errorf("%+v", h)
		}
		if strings.Contains(h.Name, "kubectl") {
			t.Errorf("%s is of the other program", h.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %q", names)
	}
	for _, want := range []string{"LICENSE", "openstack-ystack", "man/man1/openstack-ystack-image-copy.1", "completions/openstack-ystack.bash"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %q", want, names)
		}
	}
	windows := content(t, r.dir)["kubectl-ystack_v1.2.3_windows_amd64.zip"]
	z, err := zip.NewReader(strings.NewReader(windows), int64(len(windows)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Open("kubectl-ystack.exe"); err != nil {
		t.Error(err)
	}
}

func TestNoPrograms(t *testing.T) {
	r := built(t)
	if err := r.make(); err == nil || !strings.Contains(err.Error(), "no programs in ") {
		t.Errorf("got %v", err)
	}
}

func TestSemantic(t *testing.T) {
	for described, want := range map[string]string{
		"v0.1.0": "v0.1.0", "v0.1.0-12-g152513d": "v0.1.0-12-g152513d", "v1.0.0-rc.1-dirty": "v1.0.0-rc.1-dirty",
		"152513d": "v0.0.0-g152513d", "0152513-dirty": "v0.0.0-g0152513-dirty", "v1.2": "v0.0.0-g1.2", "devel": "v0.0.0-gdevel",
	} {
		got := semantic(described)
		if got != want || !krewVersion.MatchString(got) {
			t.Errorf("%s: got %s, want %s", described, got, want)
		}
	}
}

// TestManifestRules: each rule refuses what breaks it.
func TestManifestRules(t *testing.T) {
	for name, tc := range map[string]struct {
		breaks func(*manifest)
		want   string
	}{
		"nothing":          {func(*manifest) {}, ""},
		"apiVersion":       {func(m *manifest) { m.APIVersion = "v1" }, `apiVersion "v1"`},
		"kind":             {func(m *manifest) { m.Kind = "plugin" }, `kind "plugin"`},
		"name":             {func(m *manifest) { m.Metadata.Name = "other" }, `metadata.name "other"`},
		"version":          {func(m *manifest) { m.Spec.Version = "1.2.3" }, `spec.version "1.2.3"`},
		"version, zeros":   {func(m *manifest) { m.Spec.Version = "v1.02.3" }, `spec.version "v1.02.3"`},
		"homepage":         {func(m *manifest) { m.Spec.Homepage = "" }, "spec.homepage"},
		"no description":   {func(m *manifest) { m.Spec.ShortDescription = "" }, "spec.shortDescription"},
		"two lines":        {func(m *manifest) { m.Spec.ShortDescription = "a\nb" }, "spec.shortDescription"},
		"too long":         {func(m *manifest) { m.Spec.ShortDescription = strings.Repeat("a", 51) }, "spec.shortDescription"},
		"full stop":        {func(m *manifest) { m.Spec.ShortDescription = "Does it." }, "spec.shortDescription"},
		"template":         {func(m *manifest) { m.Spec.Caveats = "{{ .Tag }}" }, "spec.caveats"},
		"long line":        {func(m *manifest) { m.Spec.Description = strings.Repeat("a ", 41) }, "spec.description"},
		"no platforms":     {func(m *manifest) { m.Spec.Platforms = nil }, "spec.platforms is empty"},
		"no uri":           {func(m *manifest) { m.Spec.Platforms[1].URI = "" }, "spec.platforms[1].uri"},
		"upper case":       {func(m *manifest) { m.Spec.Platforms[0].SHA256 = strings.Repeat("A", 64) }, "spec.platforms[0].sha256"},
		"no bin":           {func(m *manifest) { m.Spec.Platforms[0].Bin = "" }, "spec.platforms[0].bin"},
		"bin outside":      {func(m *manifest) { m.Spec.Platforms[0].Bin = "a/../../b" }, "spec.platforms[0].bin"},
		"no files":         {func(m *manifest) { m.Spec.Platforms[0].Files = []fileOperation{} }, "spec.platforms[0].files is there and empty"},
		"files outside":    {func(m *manifest) { m.Spec.Platforms[0].Files[0].To = "/bin" }, "spec.platforms[0].files"},
		"no selector":      {func(m *manifest) { m.Spec.Platforms[0].Selector = nil }, "spec.platforms[0].selector is missing"},
		"empty selector":   {func(m *manifest) { m.Spec.Platforms[0].Selector = &metav1.LabelSelector{} }, "selector is empty"},
		"unknown key":      {func(m *manifest) { m.Spec.Platforms[0].Selector.MatchLabels["libc"] = "musl" }, `"libc" is neither os nor arch`},
		"unknown system":   {func(m *manifest) { m.Spec.Platforms[0].Selector.MatchLabels["os"] = "plan9" }, "krew runs on no such system"},
		"overlap":          {func(m *manifest) { m.Spec.Platforms[1].Selector = m.Spec.Platforms[0].Selector }, "2 of them are for linux/amd64"},
		"overlap by an os": {func(m *manifest) { delete(m.Spec.Platforms[1].Selector.MatchLabels, "arch") }, "2 of them are for linux/amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile("../krew/plugin.yaml")
			if err != nil {
				t.Fatal(err)
			}
			m, err := parseManifest(data)
			if err != nil {
				t.Fatal(err)
			}
			m.Spec.Version = "v1.2.3"
			for _, target := range six {
				m.Spec.Platforms = append(m.Spec.Platforms, target.platform("https://example.com/x.tar.gz", strings.Repeat("0", 64)))
			}
			tc.breaks(m)
			err = m.check("ystack")
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestBadArchives: krew's way of installing refuses what would hurt.
func TestBadArchives(t *testing.T) {
	outside, err := tarball([]entry{{"../evil", 0o755, nil}}, someDay)
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(outside, false, t.TempDir()); err == nil || !strings.Contains(err.Error(), "../evil") {
		t.Errorf("got %v", err)
	}
	m := &manifest{Metadata: metadata{"ystack"}, Spec: spec{Platforms: []platform{six[0].platform("https://example.com/x.tar.gz", strings.Repeat("0", 64))}}}
	if _, err := install(m, six[0], outside, t.TempDir()); err == nil || !strings.Contains(err.Error(), "the manifest says") {
		t.Errorf("got %v", err)
	}
	if _, err := install(m, six[1], outside, t.TempDir()); err == nil || !strings.Contains(err.Error(), "0 platforms for linux/arm64") {
		t.Errorf("got %v", err)
	}
	if err := move([]fileOperation{{"LICENSE", "."}}, t.TempDir(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no LICENSE") {
		t.Errorf("got %v", err)
	}
	if bytes.Equal(outside, nil) {
		t.Error("an empty archive")
	}
}

// TestDebianPackage: dpkg unpacks it to where man and the shells look.
func TestDebianPackage(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("this is no Debian")
	}
	r := built(t, target{"linux", "arm64"}, target{"darwin", "arm64"})
	r.version = "v0.0.0-g152513d"
	if err := r.make(); err != nil {
		t.Fatal(err)
	}
	deb, root := filepath.Join(r.dir, "ystack_0.0.0-g152513d_arm64.deb"), t.TempDir()
	for _, args := range [][]string{{"--info", deb}, {"--contents", deb}, {"--extract", deb, root}} {
		out, err := exec.Command("dpkg-deb", args...).CombinedOutput()
		if err != nil || strings.Contains(string(out), "warning") {
			t.Fatalf("dpkg-deb %s: %v\n%s", args[0], err, out)
		}
	}
	for name, want := range map[string]string{
		"usr/bin/kubectl_complete-ystack": "kubectl-ystack for linux/arm64", "usr/bin/openstack-ystack": "openstack-ystack for linux/arm64",
		"usr/share/man/man1/kubectl-ystack.1.gz": "\x1f\x8b", "usr/share/doc/ystack/copyright": "", "usr/share/zsh/vendor-completions/_kubectl-ystack": "#compdef",
		"usr/share/bash-completion/completions/openstack-ystack": "# bash completion", "usr/share/fish/vendor_completions.d/kubectl-ystack.fish": "# fish completion",
	} {
		if data, err := os.ReadFile(filepath.Join(root, name)); err != nil || !strings.HasPrefix(string(data), want) {
			t.Errorf("%s: %v, %.40q", name, err, data)
		}
	}
}
