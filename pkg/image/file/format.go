package file

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// magic is how files of a format begin; what is at an offset has one.
func magic() []struct {
	format string
	at     int
	is     string
} {
	return []struct {
		format string
		at     int
		is     string
	}{
		{"qcow2", 0, "QFI\xfb"},
		{"vmdk", 0, "KDMV"},
		{"vmdk", 0, "# Disk DescriptorFile"},
		{"vdi", 64, "\x7f\x10\xda\xbe"},
		{"vhdx", 0, "vhdxfile"},
		{"vhd", 0, "conectix"},
		{"iso", 0x8001, "CD001"},
		{"raw", 510, "\x55\xaa"}, // a boot sector; after the others, since an iso can have one
	}
}

// Head is as much of a file as [Format] looks at.
const Head = 0x8001 + 5

// format is that of a file on this machine.
func (s *Store) format(r store.Ref) string {
	f, err := os.Open(s.path(r))
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, Head)
	n, _ := io.ReadFull(f, head)
	return Format(r.Name, head[:n])
}

// Format looks at the beginning of a file; where that tells nothing, at its name.
func Format(name string, head []byte) string {
	for _, m := range magic() {
		if end := m.at + len(m.is); end <= len(head) && bytes.Equal(head[m.at:end], []byte(m.is)) {
			return m.format
		}
	}
	switch ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), "."); ext {
	case "raw", "img":
		return "raw"
	case "aki", "ari", "ami":
		return ext
	case "vmlinuz", "kernel":
		return "aki"
	case "initrd", "initramfs":
		return "ari"
	}
	return ""
}
