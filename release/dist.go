package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const releases = "https://github.com/ystackdev/ystack/releases/download/"

// release is what dist is told.
type release struct {
	version string
	when    time.Time
	dir     string // with OS-ARCH/PROGRAM; the archives go beside
	license string
	krew    string // the manifest without version and platforms
	out     string // the whole one
}

func dist(args []string) error {
	r := release{}
	var seconds int64
	set := flag.NewFlagSet("release dist", flag.ContinueOnError)
	set.StringVar(&r.version, "version", "", "as git describe tells it")
	set.Int64Var(&seconds, "commit-time", 0, "when the commit was made: seconds since 1970")
	set.StringVar(&r.dir, "dir", "dist", "the folder with the programs")
	set.StringVar(&r.license, "license", "LICENSE", "")
	set.StringVar(&r.krew, "krew", "krew/plugin.yaml", "the manifest without version and platforms")
	set.StringVar(&r.out, "krew-out", "krew/ystack.yaml", "the whole manifest")
	if err := set.Parse(args); err != nil {
		return err
	}
	r.version, r.when = semantic(r.version), time.Unix(seconds, 0)
	return r.make()
}

// semantic is a version for krew, which takes no other: v0.0.0-gCOMMIT where nothing
// is tagged.
func semantic(described string) string {
	if krewVersion.MatchString(described) {
		return described
	}
	return "v0.0.0-g" + strings.TrimPrefix(described, "v")
}

// make writes the archives, the Debian packages, their sums and krew's manifest, and installs each archive as
// krew would.
func (r release) make() error {
	common, err := r.common()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(r.krew)
	if err != nil {
		return err
	}
	m, err := parseManifest(data)
	if err != nil {
		return fmt.Errorf("%s: %w", r.krew, err)
	}
	m.Spec.Version = r.version
	targets, err := r.targets()
	if err != nil {
		return err
	}
	var sums strings.Builder
	keep := func(name string, data []byte, err error) (sum string, _ error) {
		if err != nil {
			return "", err
		}
		digest := sha256.Sum256(data)
		sum = hex.EncodeToString(digest[:])
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
		return sum, os.WriteFile(filepath.Join(r.dir, name), data, 0o644)
	}
	archives := map[target][]byte{}
	for _, t := range targets {
		name, archive, err := r.archive("kubectl-ystack", t, common)
		sum, err := keep(name, archive, err)
		if err != nil {
			return err
		}
		archives[t] = archive
		m.Spec.Platforms = append(m.Spec.Platforms, t.platform(releases+r.version+"/"+name, sum))
		if _, err := keep(r.archive("openstack-ystack", t, common)); err != nil {
			return err
		}
		if t.OS == "linux" {
			if _, err := keep(r.deb(t, common)); err != nil {
				return err
			}
		}
	}
	if err := os.WriteFile(filepath.Join(r.dir, "SHA256SUMS"), []byte(sums.String()), 0o644); err != nil {
		return err
	}
	out, err := yaml.Marshal(m)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.out, out, 0o644); err != nil {
		return err
	}
	return tryOut(out, archives)
}

// tryOut reads the manifest as krew will, and installs each archive.
func tryOut(data []byte, archives map[target][]byte) error {
	m, err := parseManifest(data)
	if err != nil {
		return err
	}
	if err := m.check("ystack"); err != nil {
		return fmt.Errorf("krew would refuse the manifest: %w", err)
	}
	for t, archive := range archives {
		if err := tryInstall(m, t, archive); err != nil {
			return fmt.Errorf("krew could not install %s: %w", t, err)
		}
	}
	return nil
}

func tryInstall(m *manifest, t target, archive []byte) error {
	root, err := os.MkdirTemp("", "krew-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	_, err = install(m, t, archive, root)
	return err
}

// targets are the systems that there are programs for.
func (r release) targets() ([]target, error) {
	found, err := filepath.Glob(filepath.Join(r.dir, "*-*", "openstack-ystack*"))
	var all []target
	for _, program := range found {
		system, arch, _ := strings.Cut(filepath.Base(filepath.Dir(program)), "-")
		all = append(all, target{system, arch})
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no programs in %s/OS-ARCH", r.dir)
	}
	return all, err
}

// common is what every archive has beside its program.
func (r release) common() ([]entry, error) {
	license, err := os.ReadFile(r.license)
	if err != nil {
		return nil, err
	}
	files, err := completions()
	if err != nil {
		return nil, err
	}
	files = append(files, manPages(r.version, r.when)...)
	return append(files, entry{"LICENSE", 0o644, license}), nil
}

func (r release) program(name string, t target) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.dir, t.OS+"-"+t.Arch, name+t.exe()))
}

// together are the programs that come in one archive, under the name of the first.
func together(first string) []string {
	if first == "kubectl-ystack" {
		return []string{first, "kubectl-ystack-tui"}
	}
	return []string{first}
}

// archive is a program, and those that belong to it, with their own of what is common.
func (r release) archive(program string, t target, common []entry) (string, []byte, error) {
	var entries []entry
	for _, one := range together(program) {
		data, err := r.program(one, t)
		if err != nil {
			return "", nil, err
		}
		entries = append(entries, entry{one + t.exe(), 0o755, data})
	}
	for _, e := range common {
		if e.Name == "LICENSE" || strings.HasPrefix(filepath.Base(e.Name), program) {
			entries = append(entries, e)
		}
	}
	name := fmt.Sprintf("%s_%s_%s_%s", program, r.version, t.OS, t.Arch)
	if t.OS == "windows" {
		archive, err := zipped(entries, r.when)
		return name + ".zip", archive, err
	}
	archive, err := tarball(entries, r.when)
	return name + ".tar.gz", archive, err
}
