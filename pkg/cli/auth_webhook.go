package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/keystone"
)

func newAuthWebhook(env Env) *cobra.Command {
	return group("auth-webhook", "Let kube-apiserver ask who a token belongs to and what may be done",
		newAuthWebhookServe(env), newAuthWebhookManifests(env))
}

// keystoneFlags say where Keystone is. Who logs in does not matter to the webhook.
type keystoneFlags struct{ cloud, authURL, cacert string }

func addKeystoneFlags(cmd *cobra.Command, f *keystoneFlags) {
	flags := cmd.Flags()
	flags.StringVar(&f.cloud, "os-cloud", "", "the cloud in clouds.yaml whose Keystone is asked (default: $OS_CLOUD, then OS_* variables)")
	flags.StringVar(&f.authURL, "auth-url", "", "Keystone's address; clouds.yaml and OS_* are not looked at then")
	flags.StringVar(&f.cacert, "cacert", "", "PEM file with the authorities of Keystone's certificate")
}

func (f keystoneFlags) config(env Env) (*keystone.Config, error) {
	if f.authURL != "" {
		if f.cloud != "" {
			return nil, usagef("--auth-url and --os-cloud exclude each other")
		}
		return &keystone.Config{AuthURL: f.authURL, CACert: f.cacert}, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	overrides := map[string]string{}
	if f.cacert != "" {
		overrides["cacert"] = f.cacert
	}
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: f.cloud, Getenv: env.Getenv, Dir: dir, Overrides: overrides})
	// What a login lacks is no matter, as long as the address is there.
	if incomplete := (*keystone.IncompleteError)(nil); errors.As(err, &incomplete) && incomplete.Config != nil && incomplete.Config.AuthURL != "" {
		return incomplete.Config, nil
	}
	return cfg, err
}
