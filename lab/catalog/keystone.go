//go:build linux

package catalog

import (
	"context"
	"maps"

	"github.com/ystackdev/ystack/lab/openstack"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

const keystoneConf = `[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{{.State "keystone"}}/keystone.db
[auth]
methods = password,token,totp,application_credential
[token]
provider = fernet
[fernet_tokens]
key_repository = {{.State "keystone"}}/fernet
[fernet_receipts]
key_repository = {{.State "keystone"}}/receipts
[credential]
key_repository = {{.State "keystone"}}/credential
[cache]
enabled = true
backend = oslo_cache.memcache_pool
memcache_servers = ` + memcachedAddress + `
[identity]
# The cheapest there is: tests log in thousands of times.
password_hash_algorithm = bcrypt
password_hash_rounds = 4
# What bcrypt can take; Keystone warns of each login if it is more.
max_password_length = 72
[security_compliance]
# Who is locked stays locked until "openstack user set --enable". Most users of the lab are exempt.
lockout_failure_attempts = 5
lockout_duration = 31536000
[oslo_policy]
enforce_scope = false
enforce_new_defaults = false
[oslo_messaging_notifications]
driver = noop
`

func keystone() *service.Service {
	s := component{
		name:     "keystone",
		address:  keystoneAddress,
		needs:    []string{"memcached"},
		packages: []string{"python3-keystone", "python3-openstackclient", "uwsgi-core", "uwsgi-plugin-python3"},
		files:    map[string]string{"keystone.conf": keystoneConf},
		migrate:  keystoneMigrations,
		command: func(l *service.Lab) []string {
			return uwsgi(l, 2, []string{"OS_KEYSTONE_CONFIG_DIR=" + l.Etc("keystone")}, keystoneAddress, "keystone-wsgi-public")
		},
		seed: seedKeystone,
	}.service()
	maps.Copy(s.Files, openstack.ClientFiles(keystoneURL))
	return s
}

func keystoneMigrations(l *service.Lab) [][]string {
	manage := func(args ...string) []string {
		env := []string{"OS_BOOTSTRAP_PASSWORD=" + openstack.AdminPassword}
		return python(l, env, "keystone-manage", append([]string{"--config-file", l.Etc("keystone/keystone.conf")}, args...)...)
	}
	return [][]string{
		manage("db_sync"),
		manage("fernet_setup", "--keystone-user", "root", "--keystone-group", "root"),
		manage("receipt_setup", "--keystone-user", "root", "--keystone-group", "root"),
		manage("credential_setup", "--keystone-user", "root", "--keystone-group", "root"),
		manage("bootstrap", "--bootstrap-region-id", openstack.Region, "--bootstrap-public-url", keystoneURL,
			"--bootstrap-internal-url", keystoneURL, "--bootstrap-admin-url", keystoneURL),
	}
}

// seedKeystone gives Keystone its people, and people their client.
func seedKeystone(ctx context.Context, l *service.Lab) error {
	if err := process.WriteFile(l.Bin("openstack"), []byte(clientScript(l)), 0o755); err != nil {
		return err
	}
	if err := forgetRules(ctx, l); err != nil {
		return err
	}
	return keystoneClient(l).Seed(ctx, openstack.People(), func(ctx context.Context, user string) error {
		return expirePassword(ctx, l, user)
	})
}

// forgetRules drops what Keystone keeps of roles that were deleted while others implied
// them: sqlite does not, and then nobody can list such rules any more.
func forgetRules(ctx context.Context, l *service.Lab) error {
	const statement = `DELETE FROM implied_role WHERE prior_role_id NOT IN (SELECT id FROM role) OR implied_role_id NOT IN (SELECT id FROM role)`
	_, err := run(ctx, l, sqlite(l, "keystone", statement)...)
	return err
}

// clientScript is the openstack command. It leaves room for extensions.
func clientScript(l *service.Lab) string {
	return `#!/bin/sh
# From ystack's lab: Debian's openstack client, which is unpacked instead of installed.
export PYTHONPATH="` + l.Tree("usr/lib/python3/dist-packages") + `${PYTHONPATH:+:$PYTHONPATH}"
export LD_LIBRARY_PATH="` + l.Tree("shared") + `${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec /usr/bin/python3 "` + l.Tree("usr/bin/openstack") + `" "$@"
`
}

// expirePassword does what no request can: Keystone's shortest life of a
// password is a day.
func expirePassword(ctx context.Context, l *service.Lab, user string) error {
	const statement = `UPDATE password SET expires_at_int = created_at_int + 1, expires_at = created_at
		WHERE local_user_id IN (SELECT id FROM local_user WHERE user_id = ?)`
	_, err := run(ctx, l, sqlite(l, "keystone", statement, user)...)
	return err
}
