//go:build linux

package catalog

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/ystackdev/ystack/lab/service"
)

// run executes argv inside the node and returns what it printed.
func run(ctx context.Context, l *service.Lab, argv ...string) (string, error) {
	full, err := l.Inside("/", argv)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, full[0], full[1:]...)
	cmd.Env = l.Environ()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// apply brings the objects of a file below etc into the cluster.
func apply(ctx context.Context, l *service.Lab, file string) error {
	return applyPath(ctx, l, l.Etc(file))
}

// applyPath is apply for a file, or a directory of files, anywhere.
func applyPath(ctx context.Context, l *service.Lab, path string) error {
	_, err := run(ctx, l, l.Bin("kubectl"), "--kubeconfig", l.Kubeconfig(), "--cache-dir", l.State("kubectl"),
		"apply", "--server-side", "--force-conflicts", "--field-manager=ystack-lab", "-f", path)
	return err
}
