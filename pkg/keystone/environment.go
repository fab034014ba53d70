package keystone

import "strings"

// fields are openstackclient's names of what Load reads. Each is also a variable,
// OS_ and the name in capitals, and what a flag may override.
func fields() []string {
	return append(authFields(),
		"auth_type", "auth_plugin", "auth_methods", "region_name", "interface", "endpoint_type",
		"cacert", "cert", "key", "insecure", "verify", "identity_api_version", "default_domain")
}

// authFields stand in the auth section. Those of the v3oidc* types come with them.
func authFields() []string {
	return []string{
		"auth_url", "username", "user_name", "user_id", "user_domain_id", "user_domain_name", "password", "passcode",
		"token", "auth_token", "application_credential_id", "application_credential_name", "application_credential_secret",
		"project_id", "project_name", "tenant_id", "tenant_name", "project_domain_id", "project_domain_name",
		"domain_id", "domain_name", "system_scope", "trust_id", "default_domain_id", "default_domain_name", "auth_methods",
	}
}

// foreignFields may stand in an auth section too: they are of types that are refused
// by name, so their own name is no mistake.
func foreignFields() []string {
	return strings.Fields("identity_provider protocol client_id client_secret openid_scope access_token_endpoint " +
		"discovery_endpoint access_token access_token_type code redirect_uri device_authorization_endpoint code_challenge_method " +
		"endpoint url service_provider mutual_auth oauth2_endpoint oauth2_client_id oauth2_client_secret " +
		"consumer_key consumer_secret access_key access_secret allow_redirects identity_provider_url unscoped reauthenticate " +
		"include_catalog service_provider_endpoint service_provider_entity_id")
}

// environment reads the OS_* variables. Empty ones count as absent, as for
// openstackclient.
func (l *loader) environment() map[string]value {
	found := map[string]value{}
	for _, field := range fields() {
		variable := "OS_" + strings.ToUpper(field)
		if text := l.getenv(variable); text != "" {
			found[field] = given(text, variable)
		}
	}
	delete(found, "default_domain") // does nothing by itself
	if text := l.getenv("OS_DEFAULT_DOMAIN"); text != "" && len(found) > 0 {
		found["default_domain"] = given(text, "OS_DEFAULT_DOMAIN")
	}
	return found
}

// flags are the overrides.
func (l *loader) flags() map[string]value {
	found := map[string]value{}
	for field, text := range l.Overrides {
		if text != "" {
			field = strings.TrimPrefix(strings.ReplaceAll(field, "-", "_"), "os_")
			found[field] = given(text, "--os-"+strings.ReplaceAll(field, "_", "-"))
		}
	}
	return found
}

func given(text, origin string) value {
	return value{node: &node{kind: stringNode, quoted: true, text: text, origin: origin}}
}

func regionOf(environment, flags map[string]value) value {
	if region, ok := flags["region_name"]; ok {
		return region
	}
	return environment["region_name"]
}
