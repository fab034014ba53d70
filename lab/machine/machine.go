//go:build linux

// Package machine makes what the lab's virtual machines boot, and gives people the
// programs that make images of machines: Packer and diskimage-builder.
package machine

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// BaseName is the name of the image in Glance.
const BaseName = "debian-12"

//go:embed elements shims
var files embed.FS

// Packages are those that Tools and Base run, for the tree.
func Packages() []string {
	return []string{"packer", "python3-diskimage-builder", "debootstrap", "kpartx", "qemu-utils"}
}

// dir is where the elements and shims lie as programs: the configuration files
// of a service are not executable.
func dir(l *service.Lab) string { return l.Etc("machine") }

// Tools puts the programs into the lab's bin.
func Tools(l *service.Lab) error {
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return process.WriteFile(filepath.Join(dir(l), shimTarget(path)), data, 0o755)
	})
	if err != nil {
		return err
	}
	for name, script := range scripts(l) {
		if err := process.WriteFile(l.Bin(name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Base is the file of the base image, made by diskimage-builder unless there
// is one of these very elements.
func Base(ctx context.Context, l *service.Lab) (string, error) {
	key, err := key()
	if err != nil {
		return "", err
	}
	image := l.Cache("machine/" + BaseName + "-" + key + ".qcow2")
	if _, err := os.Stat(image); err == nil {
		return image, nil
	}
	old, _ := filepath.Glob(l.Cache("machine/" + BaseName + "-*"))
	for _, file := range old {
		_ = os.Remove(file)
	}
	if err := os.MkdirAll(filepath.Dir(image), 0o755); err != nil {
		return "", err
	}
	begin := time.Now()
	l.Say("%-24s making the image %s with diskimage-builder, once (5 to 15 minutes); log: %s", "nova", BaseName, l.Log("image"))
	part := l.Cache(".part-base")
	if err := os.MkdirAll(part, 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	if err := build(ctx, l, filepath.Join(part, "image")); err != nil {
		return "", fmt.Errorf("diskimage-builder: %w; see %s", err, l.Log("image"))
	}
	l.Say("%-24s made in %v", BaseName, time.Since(begin).Round(time.Second))
	return image, os.Rename(filepath.Join(part, "image.qcow2"), image)
}

func build(ctx context.Context, l *service.Lab, out string) error {
	log, err := os.Create(l.Log("image"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, l.Bin("disk-image-create"), append([]string{"-a", "amd64", "-t", "qcow2", "-o", out}, elements()...)...)
	cmd.Env = append(l.Environ(), "ELEMENTS_PATH="+filepath.Join(dir(l), "elements"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return errors.Join(cmd.Run(), ctx.Err())
}
