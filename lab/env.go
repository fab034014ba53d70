//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/lab/service"
)

// env prints what a shell needs to use the lab, and nothing else.
func env(lab *service.Lab, path string, out io.Writer) error {
	if _, err := os.Stat(lab.Kubeconfig()); err != nil {
		return errors.New("the lab has never been up: go run ./lab up")
	}
	for _, v := range variables(lab, path) {
		if _, err := fmt.Fprintf(out, "export %s=%s\n", v[0], quote(v[1])); err != nil {
			return err
		}
	}
	return nil
}

// variables are the names and values of env.
func variables(lab *service.Lab, path string) [][2]string {
	bin := lab.Bin("")
	dirs := slices.DeleteFunc(strings.Split(path, ":"), func(dir string) bool { return dir == bin })
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return [][2]string{
		{"PATH", strings.Join(append([]string{bin}, dirs...), ":")},
		{"KUBECONFIG", lab.Kubeconfig()},
		{"YSTACK_LAB", lab.Dir},
		{"YSTACK_SITE", lab.Etc("site.yaml")},
		{"OS_CLIENT_CONFIG_FILE", lab.Etc("clouds.yaml")},
		{"BUILDAH_ISOLATION", "chroot"},
		{"CONTAINERS_STORAGE_CONF", lab.Etc("storage.conf")},
	}
}

// quote makes one word of a value for any POSIX shell.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }
