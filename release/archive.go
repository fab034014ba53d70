package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"sort"
	"time"
)

// entry is a file of an archive; the data of a symbolic link is where it leads.
type entry struct {
	Name string
	Mode fs.FileMode
	Data []byte
}

// tarball is the same bytes for the same entries: sorted, owned by root, of one time,
// and without the time and name that gzip would add.
func tarball(entries []entry, when time.Time) ([]byte, error) {
	var out bytes.Buffer
	squeezed := gzip.NewWriter(&out)
	t := tar.NewWriter(squeezed)
	for _, e := range sorted(entries) {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.Name, Mode: int64(e.Mode.Perm()), Size: int64(len(e.Data)),
			ModTime: when.UTC(), Format: tar.FormatUSTAR,
		}
		switch e.Mode.Type() {
		case fs.ModeDir:
			header.Typeflag = tar.TypeDir
		case fs.ModeSymlink:
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, string(e.Data), 0
			e.Data = nil
		}
		if err := t.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := t.Write(e.Data); err != nil {
			return nil, err
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	err := squeezed.Close()
	return out.Bytes(), err
}

// zipped is the same for Windows.
func zipped(entries []entry, when time.Time) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range sorted(entries) {
		header := &zip.FileHeader{Name: e.Name, Method: zip.Deflate, Modified: when.UTC()}
		header.SetMode(e.Mode)
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(e.Data); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func sorted(entries []entry) []entry {
	all := append([]entry{}, entries...)
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}
