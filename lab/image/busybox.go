//go:build linux

package image

import (
	"fmt"
	"os/exec"
	"path"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// Busybox is an image of a static busybox with a link for each of its applets.
func Busybox(binary string) (v1.Image, error) {
	config := v1.Config{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, Cmd: []string{"sh"}}
	files, err := busyboxLayer(binary)
	if err != nil {
		return nil, err
	}
	return build(config, files)
}

func busyboxLayer(binary string) (v1.Layer, error) {
	out, err := exec.Command(binary, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", binary, err)
	}
	return layer(func(w *writer) error {
		return busyboxFiles(w, binary, strings.Fields(string(out)))
	}), nil
}

func busyboxFiles(w *writer, binary string, applets []string) error {
	for _, dir := range []string{"bin", "etc", "home", "root", "usr", "usr/bin", "usr/local", "usr/local/bin", "var"} {
		if err := w.dir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := w.dir("tmp", 0o1777); err != nil {
		return err
	}
	if err := w.file("bin/busybox", binary, 0o755); err != nil {
		return err
	}
	for _, applet := range applets {
		if applet == "busybox" {
			continue
		}
		if err := w.link(path.Join("bin", path.Base(applet)), "/bin/busybox"); err != nil {
			return err
		}
	}
	if err := w.link("usr/bin/env", "/bin/busybox"); err != nil {
		return err
	}
	if err := w.data("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n")); err != nil {
		return err
	}
	return w.data("etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
}

// build puts layers into an image. The configuration goes first: a layer that
// is still to be streamed has no digest yet to be put beside it.
func build(config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	file, err := empty.Image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, config
	image, err := mutate.ConfigFile(empty.Image, file)
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, layers...)
}
