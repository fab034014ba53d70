package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// deb is a Debian package of all programs, with what belongs to them where Debian's shells
// and man look for it; kubectl finds its completion without being told.
func (r release) deb(t target, common []entry) (name string, data []byte, err error) {
	files := []entry{{"usr/bin/kubectl_complete-ystack", fs.ModeSymlink | 0o777, []byte("kubectl-ystack")}}
	size := 0
	for _, program := range append(together("kubectl-ystack"), together("openstack-ystack")...) {
		data, err := r.program(program, t)
		if err != nil {
			return "", nil, err
		}
		size += len(data)
		files = append(files, entry{"usr/bin/" + program, 0o755, data})
	}
	for _, e := range common {
		file, err := inDebian(e)
		if err != nil {
			return "", nil, err
		}
		if file.Name != "" {
			files = append(files, file)
		}
	}
	version := strings.TrimPrefix(r.version, "v")
	control := fmt.Sprintf(`Package: ystack
Version: %s
Architecture: %s
Installed-Size: %d
Section: admin
Priority: optional
Homepage: https://github.com/ystackdev/ystack
Maintainer: ystack <ystack@users.noreply.github.com>
Description: kubectl and openstack plugins for Kubernetes on OpenStack
 From a push of an application's source to its running on every platform that
 it is built for; logins with OpenStack credentials; tenants; routes.
`, version, t.Arch, size/1024)
	meta, err := tarball([]entry{{"control", 0o644, []byte(control)}}, r.when)
	if err != nil {
		return "", nil, err
	}
	content, err := tarball(append(files, parents(files)...), r.when)
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	out.WriteString("!<arch>\n")
	for _, member := range []entry{{"debian-binary", 0, []byte("2.0\n")}, {"control.tar.gz", 0, meta}, {"data.tar.gz", 0, content}} {
		arMember(&out, member, r.when)
	}
	return fmt.Sprintf("ystack_%s_%s.deb", version, t.Arch), out.Bytes(), nil
}

// inDebian is where Debian looks for a file of an archive; nowhere for what it has no
// shell for.
func inDebian(e entry) (entry, error) {
	program, suffix, _ := strings.Cut(path.Base(e.Name), ".")
	switch {
	case e.Name == "LICENSE":
		e.Name = "usr/share/doc/ystack/copyright"
	case strings.HasPrefix(e.Name, "man/"):
		var squeezed bytes.Buffer
		w, err := gzip.NewWriterLevel(&squeezed, gzip.BestCompression)
		if err != nil {
			return e, err
		}
		if _, err := w.Write(e.Data); err != nil {
			return e, err
		}
		if err := w.Close(); err != nil {
			return e, err
		}
		e = entry{"usr/share/" + e.Name + ".gz", e.Mode, squeezed.Bytes()}
	case suffix == "bash":
		e.Name = "usr/share/bash-completion/completions/" + program
	case suffix == "zsh":
		e.Name = "usr/share/zsh/vendor-completions/_" + program
	case suffix == "fish":
		e.Name = "usr/share/fish/vendor_completions.d/" + program + ".fish"
	default:
		e.Name = ""
	}
	return e, nil
}

// parents are the directories that files lie in, which dpkg wants to be told.
func parents(files []entry) []entry {
	seen := map[string]bool{}
	var all []entry
	for _, f := range files {
		for dir := path.Dir(f.Name); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			all = append(all, entry{dir + "/", fs.ModeDir | 0o755, nil})
		}
	}
	return all
}

// arMember writes a member of an ar archive.
func arMember(out *bytes.Buffer, e entry, when time.Time) {
	fmt.Fprintf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", e.Name, when.Unix(), 0, 0, "100644", len(e.Data))
	out.Write(e.Data)
	if len(e.Data)%2 == 1 {
		out.WriteByte('\n')
	}
}
