//go:build linux

// Package install gets the programs of the lab: from Debian's packages and
// from the sources of Go modules.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Missing returns the packages whose file is not there, sorted. A file that
// came from elsewhere will do.
func Missing(packages map[string]string) []string {
	var missing []string
	for name, file := range packages {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

// Packages installs Debian packages and keeps the daemons among them down,
// now and at the next boot: the lab runs them itself, its own way.
func Packages(ctx context.Context, names []string, log io.Writer) error {
	release, err := guard()
	if err != nil {
		return err
	}
	defer release()
	argv := append([]string{"install", "-y", "--no-install-recommends"}, names...)
	if err := aptFresh(ctx, "", log, argv...); err != nil {
		return err
	}
	return disableUnits(ctx, names)
}

// Unpack puts the files of a Debian package into dir without installing it.
func Unpack(ctx context.Context, name, dir string, log io.Writer) error {
	part, err := os.MkdirTemp(filepath.Dir(dir), ".part-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	// apt drops its privileges for a download where the directory lets it.
	if err := os.Chmod(part, 0o777); err != nil {
		return err
	}
	if err := aptFresh(ctx, part, log, "download", name); err != nil {
		return err
	}
	debs, _ := filepath.Glob(filepath.Join(part, "*.deb"))
	if len(debs) != 1 {
		return fmt.Errorf("apt-get download %s left %d packages, expected 1", name, len(debs))
	}
	files := filepath.Join(part, "files")
	if out, err := exec.CommandContext(ctx, "/usr/bin/dpkg", "-x", debs[0], files).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg -x %s: %w: %s", debs[0], err, out)
	}
	return os.Rename(files, dir)
}

// aptFresh tries again with new lists: they may be old, or there may be none.
func aptFresh(ctx context.Context, dir string, log io.Writer, args ...string) error {
	if apt(ctx, dir, log, args...) == nil {
		return nil
	}
	if err := apt(ctx, dir, log, "update"); err != nil {
		return err
	}
	return apt(ctx, dir, log, args...)
}

func apt(ctx context.Context, dir string, log io.Writer, args ...string) error {
	// An interrupt waits for it: half-configured packages help nobody.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/usr/bin/apt-get", append([]string{"-q", "-o", "DPkg::Lock::Timeout=120"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if err := errors.Join(cmd.Run(), ctx.Err()); err != nil {
		return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// guard is Debian's way to say that installing starts nothing. A guard that
// is there already stays.
func guard() (release func(), err error) {
	const file = "/usr/sbin/policy-rc.d"
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString("#!/bin/sh\n# From ystack's lab while it installs packages.\nexit 101\n")
	return func() { _ = os.Remove(file) }, errors.Join(err, f.Close())
}

// disableUnits keeps systemd, where there is one, from starting the packages'
// services at the next boot.
func disableUnits(ctx context.Context, names []string) error {
	systemctl, err := exec.LookPath("systemctl")
	if err != nil {
		return nil
	}
	for _, name := range names {
		files, _ := exec.CommandContext(ctx, "/usr/bin/dpkg", "-L", name).Output()
		for file := range strings.FieldsSeq(string(files)) {
			unit := filepath.Base(file)
			if !strings.HasSuffix(filepath.Dir(file), "/systemd/system") || filepath.Ext(unit) != ".service" || strings.Contains(unit, "@") {
				continue
			}
			if out, err := exec.CommandContext(ctx, systemctl, "disable", unit).CombinedOutput(); err != nil {
				return fmt.Errorf("systemctl disable %s: %w: %s", unit, err, out)
			}
		}
	}
	return nil
}
