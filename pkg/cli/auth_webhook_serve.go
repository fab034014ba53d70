package cli

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/authwebhook"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

type authWebhookServe struct {
	env      Env
	keystone keystoneFlags
	review   authwebhook.Options
	serve    authwebhook.ServeOptions
	logLevel string

	kubeconfig string
	inCluster  bool
}

func newAuthWebhookServe(env Env) *cobra.Command {
	o := authWebhookServe{env: env, review: authwebhook.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer kube-apiserver's TokenReviews from Keystone, SubjectAccessReviews from a policy file",
		Long: `Answer kube-apiserver's TokenReviews (v1 and v1beta1, POST ` + authwebhook.PathReview + `) from Keystone.

A token is validated with itself: no service account is needed in Keystone. Other tokens, such as
those of service accounts and OpenID Connect, are turned away without asking. While Keystone is away,
tokens seen within --recheck are still accepted; others get an error, which the API server, unlike a
refusal, does not remember.

With --policy-file, SubjectAccessReviews (v1 and v1beta1, POST ` + authwebhook.PathAccess + `) are answered from that ABAC policy, as
kube-apiserver would with the same file: allowed, or no opinion. The next review obeys a changed file; one
that cannot be used leaves the policy read before in force, and the log, a metric and ` + authwebhook.PathReadyz + ` say so.

With --kubeconfig or --in-cluster, users are told the namespaces that carry their project's id in the label
` + keystone.ProjectLabel + ` (in their extra, as ` + keystone.NamespacesExtra + `): kubectl ystack my-namespaces lists them.

` + authwebhook.PathHealthz + `, ` + authwebhook.PathReadyz + ` (does Keystone answer?) and ` + authwebhook.PathMetrics + ` are served beside.
Changed certificates are used without a restart. SIGTERM finishes what is under way and ends.`,
		Example: examples(
			"kubectl ystack auth-webhook serve --auth-url https://keystone.example:5000/v3 --tls-cert-file tls.crt --tls-private-key-file tls.key",
			"kubectl ystack auth-webhook serve --os-cloud lab --listen :8443 --tls-cert-file tls.crt --tls-private-key-file tls.key --policy-file policy.jsonl",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	addKeystoneFlags(cmd, &o.keystone)
	o.addServeFlags(cmd)
	addIdentityFlags(cmd, &o.review)
	o.addClusterFlags(cmd)
	o.addCacheFlags(cmd)
	return cmd
}

func (o *authWebhookServe) addServeFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.serve.Listen, "listen", "127.0.0.1:8443", "address to listen on")
	flags.StringVar(&o.serve.CertFile, "tls-cert-file", "", "PEM file with the serving certificate and its chain (required)")
	flags.StringVar(&o.serve.KeyFile, "tls-private-key-file", "", "PEM file with its key (required)")
	flags.StringVar(&o.serve.ClientCAFile, "client-ca-file", "", "PEM file with authorities: only callers with a certificate of theirs get answers")
	flags.DurationVar(&o.serve.Grace, "shutdown-grace", 15*time.Second, "how long answers may take after SIGTERM")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
}

func (o *authWebhookServe) addClusterFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.review.PolicyFile, "policy-file", "", "ABAC policy file from which SubjectAccessReviews are answered")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster, to tell users the namespaces of their token's project")
	flags.BoolVar(&o.inCluster, "in-cluster", false, "the same, as the pod's own service account")
}

// namespaces connects to the cluster, if there is to be a connection.
func (o *authWebhookServe) namespaces(log *slog.Logger) (*authwebhook.Namespaces, error) {
	switch {
	case o.inCluster && o.kubeconfig != "":
		return nil, usagef("--in-cluster and --kubeconfig exclude each other")
	case !o.inCluster && o.kubeconfig == "":
		return nil, nil
	}
	// Without a file it is the pod's service account; KUBECONFIG is somebody's, not the webhook's.
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: o.kubeconfig}, &clientcmd.ConfigOverrides{}, "kubectl-ystack/"+o.env.Version+" auth-webhook")
	if err != nil && o.inCluster {
		return nil, fmt.Errorf("--in-cluster: this is no pod with a service account's token: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return authwebhook.NewNamespaces(client, log), nil
}

// addIdentityFlags are those that decide who is let in under which name.
func addIdentityFlags(cmd *cobra.Command, o *authwebhook.Options) {
	flags := cmd.Flags()
	flags.StringVar(&o.Prefix, "username-prefix", keystone.DefaultPrefix, "what the names of Keystone's users start with in Kubernetes")
	flags.StringArrayVar(&o.Domains, "allowed-domain", nil, "id or name of a Keystone domain whose users are let in (repeatable; default: all)")
	flags.BoolVar(&o.JWS, "jws", false, "Keystone's token provider is jws: take its tokens, which look like JWTs, for what they are")
	flags.DurationVar(&o.Recheck, "recheck", o.Recheck, "how long Keystone's word on a token holds, and so how long a revoked one still passes here; 0: for --token-ttl")
}

func (o *authWebhookServe) addCacheFlags(cmd *cobra.Command) {
	flags, r := cmd.Flags(), &o.review
	flags.StringArrayVar(&r.Audiences, "audience", nil, "the API server's audience, as in its --api-audiences (repeatable; default: the API server compares)")
	flags.DurationVar(&r.TokenTTL, "token-ttl", r.TokenTTL, "how long a good token is remembered at most; never beyond its expiry")
	flags.DurationVar(&r.BadTTL, "bad-token-ttl", r.BadTTL, "how long a refused token is remembered")
	flags.IntVar(&r.CacheSize, "cache-size", r.CacheSize, "how many tokens are remembered, good and refused ones each")
	flags.IntVar(&r.Concurrency, "keystone-concurrency", r.Concurrency, "how many requests Keystone gets at a time")
	flags.IntVar(&r.Queue, "keystone-queue", r.Queue, "how many tokens wait for one of them; others get an error at once")
	flags.DurationVar(&r.Timeout, "keystone-timeout", r.Timeout, "how long to wait in the queue, and again for Keystone's answer")
	flags.Float64Var(&r.BadRate, "bad-token-rate", r.BadRate, "how many unknown tokens per second may turn out to be bad before unknown ones get an error")
	flags.IntVar(&r.BadBurst, "bad-token-burst", r.BadBurst, "how many may at once")
}

func (o *authWebhookServe) run(cmd *cobra.Command) error {
	noCoreDump()
	if o.serve.CertFile == "" || o.serve.KeyFile == "" {
		return usagef("--tls-cert-file and --tls-private-key-file are required: the API server speaks TLS only")
	}
	log, err := jsonLogger(o.env, o.logLevel)
	if err != nil {
		return err
	}
	if err := o.review.Validate(); err != nil {
		return usageError{err}
	}
	cfg, err := o.keystone.config(o.env)
	if err != nil {
		return err
	}
	client, err := keystone.NewClient(cfg, "kubectl-ystack/"+o.env.Version+" auth-webhook")
	if err != nil {
		return err
	}
	o.review.Log = log
	if o.review.Namespaces, err = o.namespaces(log); err != nil {
		return err
	}
	a, err := authwebhook.New(client, o.review)
	if err != nil {
		return err
	}
	log.Info("starting", "version", o.env.Version, "commit", o.env.Commit, "keystone", cfg.AuthURL, "prefix", o.review.Prefix, "recheck", o.review.Recheck.String())
	if o.review.Prefix == "" {
		log.Warn("--username-prefix is empty: a Keystone user may bear the name of a user of another authenticator, such as the holder of a certificate, and be taken for that one")
	}
	return authwebhook.Serve(cmd.Context(), a, o.serve)
}
