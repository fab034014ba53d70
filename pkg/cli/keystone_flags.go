package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/login"
)

// openStackFlags are openstackclient's, as far as they say where, who and what for.
// There is none for a secret: other users of the machine can read command lines.
type openStackFlags login.Pin

func addOpenStackFlags(cmd *cobra.Command) openStackFlags {
	o := openStackFlags{}
	usage := map[string]string{
		"cloud":     "the cloud's name in clouds.yaml (default: $OS_CLOUD)",
		"auth_url":  "where Keystone is, as https://keystone.example:5000/v3",
		"auth_type": "password, token, v3applicationcredential, v3totp or v3multifactor", "auth_methods": "methods of v3multifactor, as v3password,v3totp",
		"username": "the user's name; the password comes from clouds.yaml, secure.yaml, $OS_PASSWORD or a terminal", "user_id": "the user's id",
		"user_domain_name": "the domain of the user", "user_domain_id": "the id of the user's domain",
		"application_credential_id":   "the application credential's id; its secret comes from clouds.yaml, secure.yaml or $OS_APPLICATION_CREDENTIAL_SECRET",
		"application_credential_name": "the application credential's name, with the user's",
		"project_id":                  "the project's id", "project_name": "the project's name",
		"project_domain_name": "the domain of the project", "project_domain_id": "the id of the project's domain",
		"domain_id": "the domain's id, for a token of a domain", "domain_name": "the domain's name, for a token of a domain",
		"system_scope": "all, for a token of the system",
		"cacert":       "file of certificate authorities to trust", "cert": "file of a client certificate", "key": "file of its key",
		"insecure": "true: do not verify Keystone's certificate",
	}
	for _, option := range login.Options() {
		cmd.Flags().Var(pinValue{o, option}, login.Flag(option), usage[option])
	}
	// Not a flag; whoever reaches for it is told what is.
	cmd.Flags().Var(noSecret("OS_PASSWORD"), "os-password", "")
	cmd.Flags().Var(noSecret("OS_TOKEN"), "os-token", "")
	cmd.Flags().Var(noSecret("OS_PASSCODE"), "os-passcode", "")
	cmd.Flags().Var(noSecret("OS_APPLICATION_CREDENTIAL_SECRET"), "os-application-credential-secret", "")
	for _, name := range []string{"os-password", "os-token", "os-passcode", "os-application-credential-secret"} {
		cmd.Flags().Lookup(name).Hidden = true
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{withoutSecret(err)} })
	return o
}

// withoutSecret takes the value out of the error, which pflag repeats.
func withoutSecret(err error) error {
	var bad *pflag.InvalidValueError
	if errors.Is(err, errNoSecret) && errors.As(err, &bad) {
		return bad.Unwrap()
	}
	return err
}

// addGlobalOpenStackFlags is for a root: openstackclient takes them before the verb. Its
// users know them, so that help shows just the one that is used all the time.
func addGlobalOpenStackFlags(root *cobra.Command) openStackFlags {
	carrier := &cobra.Command{}
	o := addOpenStackFlags(carrier)
	carrier.Flags().VisitAll(func(f *pflag.Flag) {
		f.Hidden = f.Name != "os-cloud"
		root.PersistentFlags().AddFlag(f)
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, withoutSecret(err)) })
	return o
}

// pinValue is a flag that fills in one option.
type pinValue struct {
	pin    openStackFlags
	option string
}

func (v pinValue) String() string { return v.pin[v.option] }
func (v pinValue) Type() string   { return "string" }
func (v pinValue) Set(s string) error {
	v.pin[v.option] = s
	if v.option == "auth_url" {
		v.pin[v.option] = strings.TrimRight(s, "/")
	}
	return nil
}

// noSecret is a flag that refuses to be set, naming the variable to use instead.
type noSecret string

func (noSecret) String() string { return "" }
func (noSecret) Type() string   { return "string" }

// errNoSecret is why a secret was refused.
var errNoSecret = errors.New("secrets are not taken from the command line, which other users can read")

func (v noSecret) Set(string) error {
	return fmt.Errorf("%w: set %s, or put it into clouds.yaml or secure.yaml, or type it in when asked on a terminal", errNoSecret, string(v))
}

// keystoneService is what the use cases need of the process, which is about to learn
// secrets.
func keystoneService(env Env) *login.Service {
	noCoreDump()
	dir, _ := os.Getwd()
	return &login.Service{
		Getenv: env.Getenv, Dir: dir,
		CacheDir: env.xdg("XDG_CACHE_HOME", ".cache"), StateDir: env.stateDir(),
		Warn:      func(format string, args ...any) { fmt.Fprintf(env.Err, "warning: "+format+"\n", args...) },
		UserAgent: "ystack/" + versionOf(env).Version,
	}
}

// interactive lets the service ask, if there is a terminal.
func interactive(s *login.Service, env Env) *login.Service {
	if t, ok := newTerminal(env); ok {
		s.Prompter = t
	}
	return s
}

// self is how a kubeconfig calls this program: by name where the PATH leads to it.
func self() string {
	const name = "kubectl-ystack"
	path, err := os.Executable()
	if err != nil {
		return name
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		found, err := os.Stat(filepath.Join(dir, filepath.Base(path)))
		if err != nil || found.IsDir() {
			continue
		}
		if own, err := os.Stat(path); err == nil && os.SameFile(found, own) && filepath.Base(path) == name {
			return name
		}
		break // another program of that name comes first
	}
	return path
}
