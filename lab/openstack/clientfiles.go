package openstack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ClientFiles are clouds.yaml, and an openrc-NAME for each cloud lab-NAME
// (openrc-admin for the cloud lab).
func ClientFiles(authURL string) map[string]string {
	entries, files := object{}, map[string]string{}
	for _, c := range clouds() {
		c.auth["auth_url"] = authURL
		entries[c.name] = c.entry()
		if c.kind != multifactor { // the client takes no list of methods from a variable
			files["openrc-"+c.user()] = c.openrc()
		}
	}
	text, _ := yaml.Marshal(object{"clouds": entries}) // strings only: it cannot fail
	files["clouds.yaml"] = "# The ways into the lab's OpenStack. Written anew by each \"lab up\".\n" + string(text)
	return files
}

// user is who the cloud is named after.
func (c cloud) user() string {
	if c.name == "lab" {
		return "admin"
	}
	return strings.TrimPrefix(c.name, "lab-")
}

// entry is the cloud in clouds.yaml.
func (c cloud) entry() object {
	auth := object{}
	for key, value := range c.auth {
		auth[key] = value
	}
	entry := object{"auth": auth, "region_name": Region, "identity_api_version": 3}
	if c.kind != "" {
		entry["auth_type"] = c.kind
	}
	if c.kind == multifactor {
		auth["auth_methods"] = []string{"v3password", "v3totp"}
	}
	return entry
}

// openrc is the same for a shell: everything that an openrc read before may
// have set is taken back first.
func (c cloud) openrc() string {
	var out strings.Builder
	fmt.Fprintln(&out, "unset OS_CLOUD OS_AUTH_TYPE OS_TOKEN OS_PASSCODE OS_PASSWORD OS_SYSTEM_SCOPE OS_DOMAIN_ID OS_DOMAIN_NAME \\")
	fmt.Fprintln(&out, "  OS_USER_ID OS_USER_DOMAIN_ID OS_PROJECT_ID OS_PROJECT_NAME OS_PROJECT_DOMAIN_ID OS_PROJECT_DOMAIN_NAME OS_TENANT_ID OS_TENANT_NAME \\")
	fmt.Fprintln(&out, "  OS_AUTH_METHODS OS_APPLICATION_CREDENTIAL_ID OS_APPLICATION_CREDENTIAL_NAME OS_APPLICATION_CREDENTIAL_SECRET")
	if c.kind != "" {
		fmt.Fprintf(&out, "export OS_AUTH_TYPE=%s\n", c.kind)
	}
	for _, key := range slices.Sorted(maps.Keys(c.auth)) {
		fmt.Fprintf(&out, "export OS_%s='%s'\n", strings.ToUpper(key), c.auth[key])
	}
	fmt.Fprintf(&out, "export OS_REGION_NAME=%s OS_IDENTITY_API_VERSION=3 OS_INTERFACE=public\n", Region)
	return out.String()
}
