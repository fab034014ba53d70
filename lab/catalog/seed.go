//go:build linux

package catalog

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ystackdev/ystack/lab/image"
	"github.com/ystackdev/ystack/lab/service"
)

// seedRegistry gives Artifactory one base image, and seedHub gives Docker Hub
// that one and another, so that both ways to a base image can be shown.
func seedRegistry(ctx context.Context, l *service.Lab) error {
	return image.Ensure(ctx, transport(l), registryAddress+"/docker/library/busybox", []string{"1.35"}, busybox(l))
}

func seedHub(ctx context.Context, l *service.Lab) error {
	if err := image.Ensure(ctx, transport(l), hubAddress+"/library/busybox", []string{"1.35"}, busybox(l)); err != nil {
		return err
	}
	// The tag of this very toolchain tells when the machine has got another.
	tags := []string{"1.26", strings.TrimPrefix(runtime.Version(), "go")}
	return image.Ensure(ctx, transport(l), hubAddress+"/library/golang", tags, golang(ctx, l))
}

func busybox(l *service.Lab) func() (v1.Image, error) {
	return func() (v1.Image, error) { return image.Busybox(busyboxBinary(l)) }
}

func busyboxBinary(l *service.Lab) string { return l.Cache("busybox-static/bin/busybox") }

// golang makes an image of the toolchain that this machine has.
func golang(ctx context.Context, l *service.Lab) func() (v1.Image, error) {
	return func() (v1.Image, error) {
		l.Say("%-24s packing this machine's Go as library/golang:1.26", "hub")
		goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
		if err != nil {
			return nil, fmt.Errorf("go env GOROOT: %w", err)
		}
		certificates, _ := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
		return image.Golang(busyboxBinary(l), strings.TrimSpace(string(goroot)), certificates)
	}
}
