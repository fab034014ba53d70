//go:build linux

package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ystackdev/ystack/lab/service"
)

// elements of the base image.
func elements() []string {
	return []string{"debian-minimal", "vm", "block-device-mbr", "enable-serial-console", "lab-vm"}
}

// shimTarget is where a file of ours is written to; a shim lies over the program
// of its name.
func shimTarget(path string) string {
	switch name := filepath.Base(path); {
	case !strings.HasPrefix(path, "shims/"):
		return path
	case name == "sudo":
		return "shims/bin/" + name
	default:
		return "mapper/sbin/" + name
	}
}

// scripts are the programs of the lab's bin.
func scripts(l *service.Lab) map[string]string {
	layers := []string{filepath.Join(dir(l), "shims")}
	if !deviceMapper() {
		layers = append(layers, filepath.Join(dir(l), "mapper"))
	}
	const head = "#!/bin/sh\n# From ystack's lab: Debian's program, which is unpacked instead of installed.\n"
	return map[string]string{
		// Packer has to reach the machines, which are on a network inside the node.
		"packer": head + "export YSTACK_LAB=" + l.Dir + " CHECKPOINT_DISABLE=1\n" +
			"exec " + l.Bin("lab") + " shell -- " + l.Tree("usr/bin/packer") + ` "$@"` + "\n",
		"qemu-img": head + "exec env LD_LIBRARY_PATH=" + l.Tree("shared") + " " + l.Tree("usr/bin/qemu-img") + ` "$@"` + "\n",
		"disk-image-create": head + dibEnvironment(l) +
			"exec " + quoted(l.OverTree(layers, "/usr/bin/disk-image-create")) + ` "$@"` + "\n",
	}
}

// deviceMapper asks the kernel: the file of the same name in /dev is made without it, too.
func deviceMapper() bool {
	data, _ := os.ReadFile("/proc/misc")
	return strings.Contains(string(data), " device-mapper\n")
}

// dibEnvironment is what diskimage-builder does not find out itself: where this
// machine gets its packages from.
func dibEnvironment(l *service.Lab) string {
	return `sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sort -u)
mirror=$(echo "$sources" | sed -n 's/ bookworm$//p' | head -n 1)
security=$(echo "$sources" | sed -n 's/ bookworm-security$//p' | head -n 1)
: "${DIB_RELEASE:=bookworm}" "${DIB_DISTRIBUTION_MIRROR:=$mirror}"
: "${DIB_APT_SOURCES_CONF:=default:deb $mirror bookworm main
security:deb ${security:-$mirror} bookworm-security main}"
export DIB_RELEASE DIB_DISTRIBUTION_MIRROR DIB_APT_SOURCES_CONF
export DIB_APT_MINIMAL_CREATE_INTERFACES=0 DIB_BOOTLOADER_DEFAULT_CMDLINE="net.ifnames=0 console=ttyS0,115200 nomodeset" DIB_GRUB_TIMEOUT=0
export DIB_DEBOOTSTRAP_CACHE=1 DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE=1 DIB_IMAGE_CACHE=` + l.Cache("dib") + ` HOME=/root
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
mkdir -p "$DIB_IMAGE_CACHE"
# Two at once would be in each other's way there.
if [ "$1" != --version ]; then
	exec 9>"$DIB_IMAGE_CACHE/lock"
	flock 9
fi
`
}

func quoted(argv []string) string {
	for i, arg := range argv {
		argv[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return strings.Join(argv, " ")
}

// key changes with what the base image is made of.
func key() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, elements())
	err := fs.WalkDir(files, "elements", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:12], err
}
