//go:build linux

package image

import v1 "github.com/google/go-containerregistry/pkg/v1"

// Golang is an image of busybox and a Go toolchain. It has no C compiler, so
// cgo is off; and it never fetches another toolchain.
func Golang(busybox, goroot string, certificates []byte) (v1.Image, error) {
	config := v1.Config{
		Cmd: []string{"sh"}, WorkingDir: "/go",
		Env: []string{
			"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
			"GOPATH=/go", "GOTOOLCHAIN=local", "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0",
		},
	}
	shell, err := busyboxLayer(busybox)
	if err != nil {
		return nil, err
	}
	return build(config, shell, layer(func(w *writer) error {
		return golangFiles(w, goroot, certificates)
	}))
}

func golangFiles(w *writer, goroot string, certificates []byte) error {
	for _, dir := range []string{"go", "go/bin", "go/src", "etc/ssl", "etc/ssl/certs"} {
		if err := w.dir(dir, 0o755); err != nil {
			return err
		}
	}
	if len(certificates) > 0 {
		if err := w.data("etc/ssl/certs/ca-certificates.crt", 0o644, certificates); err != nil {
			return err
		}
	}
	return w.tree("usr/local/go", goroot, "test", "doc", "api", ".git")
}
