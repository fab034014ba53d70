//go:build linux

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func leaves() []Leaf {
	return []Leaf{
		{Name: "admin", User: "admin", Groups: []string{"system:masters"}},
		{Name: "server", User: "server", Names: []string{"127.0.0.1", "kubernetes.default.svc"}},
	}
}

func TestEnsure(t *testing.T) {
	dir := t.TempDir()
	if err := Ensure(dir, leaves()); err != nil {
		t.Fatal(err)
	}
	first := contents(t, dir)
	for _, name := range []string{"admin", "server"} {
		verify(t, dir, name)
	}
	if err := Ensure(dir, leaves()); err != nil {
		t.Fatal(err)
	}
	for name, data := range contents(t, dir) {
		if first[name] != data {
			t.Errorf("%s was made anew", name)
		}
	}
}

func TestEnsureMends(t *testing.T) {
	for _, victim := range []string{"admin.crt", "admin.key", "server.key", "sa.key", "ca.crt", "ca.key"} {
		t.Run(victim, func(t *testing.T) {
			dir := t.TempDir()
			if err := Ensure(dir, leaves()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, victim), []byte("-----BEGIN"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Ensure(dir, leaves()); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"admin", "server"} {
				verify(t, dir, name)
			}
		})
	}
}

func TestKubeconfig(t *testing.T) {
	dir := t.TempDir()
	if err := Ensure(dir, leaves()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kubeconfig")
	if err := Kubeconfig(file, dir, "admin", "https://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: it holds a key", info.Mode(), err)
	}
	if err := Kubeconfig(file, dir, "nobody", ""); err == nil {
		t.Error("a kubeconfig without a certificate was written")
	}
}

func verify(t *testing.T, dir, name string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	usage := x509.ExtKeyUsageClientAuth
	if name == "server" {
		usage = x509.ExtKeyUsageServerAuth
		if err := pair.Leaf.VerifyHostname("127.0.0.1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"ca.crt", "ca.key", "admin.crt", "admin.key", "server.crt", "server.key", "sa.key", "sa.pub"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	return files
}
