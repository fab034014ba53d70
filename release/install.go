package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// install does with an archive what krew does: compares its sum, unpacks it, moves what
// files says to the plugin's folder, and links bin/kubectl-NAME to it. It returns the link.
func install(m *manifest, t target, archive []byte, root string) (string, error) {
	found := m.matching(t)
	if len(found) != 1 {
		return "", fmt.Errorf("%d platforms for %s", len(found), t)
	}
	p := found[0]
	sum := sha256.Sum256(archive)
	if got := hex.EncodeToString(sum[:]); got != p.SHA256 {
		return "", fmt.Errorf("%s has the SHA-256 %s, the manifest says %s", p.URI, got, p.SHA256)
	}
	unpacked := filepath.Join(root, "unpacked-"+t.OS+"-"+t.Arch)
	store := filepath.Join(root, "store", m.Metadata.Name, m.Spec.Version)
	if err := unpack(archive, strings.HasSuffix(p.URI, ".zip"), unpacked); err != nil {
		return "", err
	}
	if err := move(p.Files, unpacked, store); err != nil {
		return "", err
	}
	bin := filepath.Join(store, filepath.FromSlash(p.Bin))
	info, err := os.Stat(bin)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return "", fmt.Errorf("%s is no program: %s", p.Bin, info.Mode())
	}
	link := filepath.Join(root, "bin", "kubectl-"+strings.ReplaceAll(m.Metadata.Name, "-", "_")+t.exe())
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return "", err
	}
	return link, os.Symlink(bin, link)
}

// installHere installs on this system what a manifest and a folder of archives hold.
func installHere(manifestFile, dir, root string) error {
	data, err := os.ReadFile(manifestFile)
	if err != nil {
		return err
	}
	m, err := parseManifest(data)
	if err != nil {
		return err
	}
	t := target{runtime.GOOS, runtime.GOARCH}
	found := m.matching(t)
	if len(found) != 1 {
		return fmt.Errorf("%s: %d platforms for %s", manifestFile, len(found), t)
	}
	archive, err := os.ReadFile(filepath.Join(dir, path.Base(found[0].URI)))
	if err != nil {
		return err
	}
	link, err := install(m, t, archive, root)
	if err == nil {
		fmt.Println(link)
	}
	return err
}

// move carries out the file operations; from may be a pattern.
func move(files []fileOperation, from, to string) error {
	for _, f := range files {
		found, err := filepath.Glob(filepath.Join(from, filepath.FromSlash(f.From)))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("the archive has no %s", f.From)
		}
		into := filepath.Join(to, filepath.FromSlash(f.To))
		if err := os.MkdirAll(into, 0o755); err != nil {
			return err
		}
		for _, file := range found {
			if err := os.Rename(file, filepath.Join(into, filepath.Base(file))); err != nil {
				return err
			}
		}
	}
	return nil
}

func unpack(archive []byte, isZip bool, dir string) error {
	write := func(name string, mode os.FileMode, r io.Reader) error {
		if !inside(name) {
			return fmt.Errorf("the archive has %q", name)
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(out, r)
		return errors.Join(err, out.Close())
	}
	if isZip {
		return unzip(archive, write)
	}
	squeezed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for t := tar.NewReader(squeezed); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("the archive has %s, which is no file", header.Name)
		}
		if err := write(header.Name, header.FileInfo().Mode(), t); err != nil {
			return err
		}
	}
}

func unzip(archive []byte, write func(string, os.FileMode, io.Reader) error) error {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(write(f.Name, f.Mode(), r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}
