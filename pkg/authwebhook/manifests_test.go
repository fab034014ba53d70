package authwebhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

const bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

func cases() map[string]ManifestOptions {
	base := ManifestOptions{
		Image: "registry.example/ystack:v1", Namespace: "kube-system", Replicas: 2, AuthURL: "https://keystone.example:5000/v3",
		Prefix: "keystone:", Recheck: 2 * time.Minute, CacheTTL: 30 * time.Second,
	}
	plain, static := base, base
	full, fullStatic := base, base
	full.ClusterIP, full.CABundle, full.Prefix, full.Domains, full.JWS, full.Replicas = "10.96.0.20", bundle, "cloud1:", []string{"corp", `"odd": {{name}}`}, true, 3
	full.Policy = []byte("# for alice\n" + aliceReads("a"))
	full.Namespaces, fullStatic.Namespaces = true, true
	static.StaticPod = true
	fullStatic.StaticPod, fullStatic.CABundle, fullStatic.Prefix, fullStatic.Policy = true, bundle, "", []byte(aliceReads("a"))
	return map[string]ManifestOptions{"deployment": plain, "deployment-full": full, "static-pod": static, "static-pod-full": fullStatic}
}

func TestManifests(t *testing.T) {
	for name, o := range cases() {
		t.Run(name, func(t *testing.T) {
			files, err := Manifests(o)
			if err != nil {
				t.Fatal(err)
			}
			var all bytes.Buffer
			for _, f := range files {
				all.WriteString("==== " + f.Name + "\n")
				all.Write(f.Data)
				if strings.HasSuffix(f.Name, ".txt") || strings.HasSuffix(f.Name, ".crt") || f.Name == policyName {
					continue
				}
				for doc := range strings.SplitSeq(string(f.Data), "\n---\n") {
					var into map[string]any
					if err := yaml.UnmarshalStrict([]byte(doc), &into); err != nil || into["kind"] == "" {
						t.Errorf("%s: %v\n%s", f.Name, err, doc)
					}
				}
			}
			golden(t, name+".txt", all.Bytes())
		})
	}
}

func TestManifestErrors(t *testing.T) {
	for want, change := range map[string]func(*ManifestOptions){
		"--image":      func(o *ManifestOptions) { o.Image = "" },
		"--auth-url":   func(o *ManifestOptions) { o.AuthURL = "" },
		"--cluster-ip": func(o *ManifestOptions) { o.StaticPod, o.ClusterIP = true, "10.96.0.20" },
		"is no addr":   func(o *ManifestOptions) { o.ClusterIP = "10.96.0" },
		"--namespace":  func(o *ManifestOptions) { o.Namespace = "a b" },
		"--replicas":   func(o *ManifestOptions) { o.Replicas = 0 },
		"file:1:":      func(o *ManifestOptions) { o.Policy = []byte("{") },
		"use --static": func(o *ManifestOptions) { o.Policy = bytes.Repeat([]byte("#\n"), 1<<19) },
	} {
		o := cases()["deployment"]
		change(&o)
		if _, err := Manifests(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestGeneratedCertificates(t *testing.T) {
	for name, server := range map[string]string{"deployment": "ystack-auth-webhook.kube-system.svc", "static-pod": "127.0.0.1"} {
		o := cases()[name]
		o.GenerateCerts = true
		files, err := Manifests(o)
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]File{}
		for _, f := range files {
			byName[f.Name] = f
			if bytes.Contains(f.Data, []byte("PRIVATE KEY")) != f.Secret() {
				t.Errorf("%s: mode %o", f.Name, f.Mode)
			}
		}
		key, err := tls.X509KeyPair(byName["tls.crt"].Data, byName["tls.key"].Data)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(byName["ca.crt"].Data)
		if _, err := key.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: server}); err != nil {
			t.Error(err)
		}
		if block, _ := pem.Decode(byName["ca.key"].Data); block == nil {
			t.Error("no ca.key")
		}
	}
}

// The cluster itself says whether it would take them.
func TestManifestsOnTheAPIServer(t *testing.T) {
	if os.Getenv("KUBECONFIG") == "" {
		missing(t, "KUBECONFIG names no cluster (lab up, lab env)")
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		missing(t, "kubectl is not in PATH")
	}
	for name, o := range cases() {
		files, err := Manifests(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, kubectl, "create", "--dry-run=server", "--validate=strict", "-f", "-")
		cmd.Stdin = bytes.NewReader(files[0].Data)
		if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("Warning")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
