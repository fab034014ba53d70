package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/authwebhook"
)

type authWebhookManifests struct {
	env       Env
	keystone  keystoneFlags
	identity  authwebhook.Options
	manifests authwebhook.ManifestOptions
	outputDir string
	policy    string
}

func newAuthWebhookManifests(env Env) *cobra.Command {
	o := authWebhookManifests{env: env, identity: authwebhook.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "manifests --image IMAGE",
		Short: "Print what a cluster needs to ask the webhook",
		Long: `Print what a cluster needs to ask the webhook: a Deployment with its Service, or a static pod; and, as
comments after it, the API servers' kubeconfig and flags, what certificates are needed, and what to do
when nobody can log in any more. With --output-dir these are files.

With --policy-file the webhook carries that ABAC policy, in a ConfigMap or on the machine's disk, and
what API servers need to ask it what may be done is there too. With --namespaces it may list and watch
namespaces, so that users are told those of their projects (kubectl ystack my-namespaces).`,
		Example: examples(
			"kubectl ystack auth-webhook manifests --image registry.example/ystack:v1 --auth-url https://keystone.example:5000/v3 --cluster-ip 10.96.0.20 --output-dir webhook --generate-certs",
			"kubectl ystack auth-webhook manifests --image registry.example/ystack:v1 --os-cloud lab --static-pod --policy-file policy.jsonl",
		),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	flags, m := cmd.Flags(), &o.manifests
	flags.StringVar(&m.Image, "image", "", "the image with kubectl-ystack in its path (required)")
	flags.StringVarP(&m.Namespace, "namespace", "n", "kube-system", "where the webhook runs")
	flags.IntVar(&m.Replicas, "replicas", 2, "how many of it")
	flags.BoolVar(&m.StaticPod, "static-pod", false, "one beside each API server, started by the kubelet, instead of a Deployment")
	flags.StringVar(&m.ClusterIP, "cluster-ip", "", "the Service's address, from the cluster's service range; API servers do not use the cluster's DNS")
	flags.DurationVar(&m.CacheTTL, "cache-ttl", 30*time.Second, "how long API servers remember answers, about tokens and about rights")
	flags.BoolVar(&m.GenerateCerts, "generate-certs", false, "make an authority and a serving certificate in --output-dir")
	flags.StringVar(&o.policy, "policy-file", "", "an ABAC policy file, from which the webhook is to answer what may be done")
	flags.BoolVar(&m.Namespaces, "namespaces", false, "have the webhook tell users the namespaces of their projects")
	flags.StringVar(&o.outputDir, "output-dir", "", "write files into this directory instead of printing")
	addKeystoneFlags(cmd, &o.keystone)
	addIdentityFlags(cmd, &o.identity)
	return cmd
}

func (o *authWebhookManifests) run() error {
	if o.manifests.GenerateCerts && o.outputDir == "" {
		return usagef("--generate-certs needs --output-dir: keys are not printed")
	}
	cfg, err := o.keystone.config(o.env)
	if err != nil {
		return err
	}
	m := o.manifests
	m.AuthURL, m.Prefix, m.Domains, m.JWS, m.Recheck = cfg.AuthURL, o.identity.Prefix, o.identity.Domains, o.identity.JWS, o.identity.Recheck
	if cfg.CACert != "" {
		bundle, err := os.ReadFile(cfg.CACert)
		if err != nil {
			return fmt.Errorf("the authorities of Keystone's certificate: %w", err)
		}
		m.CABundle = string(bundle)
	}
	if o.policy != "" {
		if _, m.Policy, err = readPolicy(o.env, o.policy); err != nil {
			return err
		}
	}
	files, err := authwebhook.Manifests(m)
	if err != nil {
		return err
	}
	if o.outputDir == "" {
		return printManifests(o.env.Out, files)
	}
	return o.write(files)
}

// printManifests prints what `kubectl apply -f -` takes, and the rest as comments.
func printManifests(w io.Writer, files []authwebhook.File) error {
	for i, f := range files {
		if i == 0 {
			if _, err := w.Write(f.Data); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "#\n# ==== %s\n#\n", f.Name)
		for line := range bytes.Lines(f.Data) {
			if _, err := fmt.Fprintln(w, string(bytes.TrimRight(append([]byte("# "), line...), " \n"))); err != nil {
				return err
			}
		}
	}
	return nil
}

// write makes the files. Keys that are there already may be in use, so they stay and
// nothing is written.
func (o *authWebhookManifests) write(files []authwebhook.File) error {
	if err := os.MkdirAll(o.outputDir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(o.outputDir, f.Name)
		if _, err := os.Lstat(path); f.Secret() && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s exists and may be in use; remove it, or leave --generate-certs away", path)
		}
	}
	for _, f := range files {
		if err := writeManifest(filepath.Join(o.outputDir, f.Name), f); err != nil {
			return err
		}
		fmt.Fprintln(o.env.Err, "wrote", filepath.Join(o.outputDir, f.Name))
	}
	return nil
}

func writeManifest(path string, f authwebhook.File) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if f.Secret() {
		mode |= os.O_EXCL
	}
	file, err := os.OpenFile(path, mode, f.Mode)
	if err != nil {
		return err
	}
	_, err = file.Write(f.Data)
	return errors.Join(err, file.Close())
}
