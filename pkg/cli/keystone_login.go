package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/login"
)

type keystoneLoginOptions struct {
	OpenStack   openStackFlags
	Projects    []string
	AllProjects bool
	Kubeconfig  string
	Cluster     string
	ContextName string
	Print       bool
	Cache       string
	Credential  bool
	Lifetime    time.Duration
	Roles       []string
	Timeout     time.Duration
	Output      string
}

func newKeystoneLogin(env Env) *cobra.Command {
	o := &keystoneLoginOptions{}
	cmd := &cobra.Command{
		Use:   "keystone-login",
		Short: "Log in to Kubernetes with OpenStack credentials: one context per project",
		Long: `Logs in to Keystone as openstackclient does (clouds.yaml, secure.yaml, OS_*
variables, flags), and writes a context CLOUD/PROJECT to the kubeconfig for the
project, those named with --project, or all. From then on kubectl gets its tokens
by itself. On a terminal, it asks for what is missing.

The kubeconfig holds no secret, but who the context is: OS_* variables set later
for somebody else change nothing. A password stays where it is; one that was typed
in is not kept, so that such a login lasts until its token expires.

With --application-credential, an application credential is made for each context,
whose tokens say who you are and no more: Nova, Glance and the others refuse them.
Its secret is kept in $XDG_STATE_HOME/ystack.

There is no --os-password: other users of a machine can read command lines, and
shells record them. Use clouds.yaml, secure.yaml, OS_PASSWORD, or the terminal.`,
		Example: examples(
			"kubectl ystack keystone-login --os-cloud mycloud --all-projects",
			"kubectl ystack keystone-login --os-cloud mycloud --project web --application-credential",
			"kubectl ystack keystone-login status",
			"kubectl ystack keystone-login use web",
			"kubectl ystack keystone-login logout"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	cmd.PersistentFlags().StringVar(&o.Kubeconfig, "kubeconfig", "", "path to the kubeconfig file to use")
	o.OpenStack = addOpenStackFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&o.Projects, "project", nil, "project to write a context for: its name, NAME@DOMAIN, or id; can be repeated (default: the configuration's, or the only one)")
	f.BoolVar(&o.AllProjects, "all-projects", false, "write a context for every project that you have a role in")
	f.StringVar(&o.Cluster, "cluster", "", "cluster in the kubeconfig that the contexts are for (default: the current context's)")
	f.StringVar(&o.ContextName, "context-name", "", `name of the contexts; {cloud} and {project} are filled in (default "{cloud}/{project}")`)
	f.BoolVar(&o.Print, "print", false, "print a kubeconfig instead of changing one")
	addCacheFlag(cmd, &o.Cache)
	f.BoolVar(&o.Credential, "application-credential", false, "make an application credential that can do nothing but log in to Kubernetes, and keep only that")
	f.DurationVar(&o.Lifetime, "lifetime", 30*24*time.Hour, "with --application-credential: when it expires")
	f.StringArrayVar(&o.Roles, "role", nil, "with --application-credential: only this role; can be repeated (default: all that you have in the project)")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	addOutputFlag(cmd, &o.Output)
	cmd.AddCommand(newKeystoneStatus(env, o), newKeystoneLogout(env, o), newKeystoneUse(env, o))
	return cmd
}

func (o *keystoneLoginOptions) check() error {
	switch {
	case o.AllProjects && len(o.Projects) > 0:
		return usagef("--all-projects has every --project in it; leave one of them out")
	case o.Print && o.Output != "":
		return usagef("--print prints a kubeconfig; leave out --output")
	case !o.Credential && len(o.Roles) > 0:
		return usagef("--role is for --application-credential; without one, a context has all your roles")
	case o.Credential && o.Lifetime < time.Minute:
		return usagef("--lifetime %s: at least a minute", o.Lifetime)
	}
	return checkCache(o.Cache)
}

func (o *keystoneLoginOptions) run(ctx context.Context, env Env) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	s := interactive(keystoneService(env), env)
	s.NoCache = o.Cache == "none"
	r, err := s.Login(ctx, login.Input{
		Pin: login.Pin(o.OpenStack), Projects: o.Projects, All: o.AllProjects,
		Kubeconfig: kubeconfigAccess(o.Kubeconfig), Cluster: o.Cluster, ContextName: o.ContextName,
		Command: self(), CacheNone: s.NoCache, Print: o.Print, ApplicationCredential: o.credential(),
	})
	if err != nil {
		return err
	}
	if o.Print {
		_, err := env.Out.Write(r.Kubeconfig)
		return err
	}
	if o.Output == "" {
		fmt.Fprintf(env.Err, "Logged in to %s as %s.\n", r.AuthURL, userOf(r))
	}
	if err := contextListing.print(env.Out, o.Output, r.Contexts); err != nil || o.Output != "" {
		return err
	}
	if r.Current != r.Contexts[0].Name || len(r.Contexts) > 1 {
		fmt.Fprintf(env.Err, "The current context is %s; `kubectl ystack keystone-login use PROJECT` switches.\n", r.Current)
	}
	return nil
}

func userOf(r *login.Result) string {
	u := r.Token.User
	return fmt.Sprintf("%s (domain %s)", u.Name, u.Domain.Name)
}

func (o *keystoneLoginOptions) credential() *login.CredentialRequest {
	if !o.Credential {
		return nil
	}
	host, _ := os.Hostname()
	host, _, _ = strings.Cut(host, ".")
	return &login.CredentialRequest{Lifetime: o.Lifetime, Roles: o.Roles, Host: host}
}

var contextListing = listing[login.Context]{
	kind: "Context",
	name: func(c login.Context) string { return c.Name },
	columns: []column[login.Context]{
		{header: "CONTEXT", value: func(c login.Context) string { return c.Name }},
		{header: "PROJECT", value: func(c login.Context) string { return c.Project }},
		{header: "CLUSTER", value: func(c login.Context) string { return c.Cluster }},
		{header: "NAMESPACE", value: func(c login.Context) string { return c.Namespace }},
		{header: "KUBECONFIG", value: func(c login.Context) string { return c.File }},
		{header: "PROJECT-ID", wide: true, value: func(c login.Context) string { return c.ProjectID }},
		{header: "CREDENTIAL-EXPIRES", wide: true, value: func(c login.Context) string { return localTime(c.Expires) }},
	},
}

func localTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
