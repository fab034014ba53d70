//go:build linux

package catalog

import "github.com/ystackdev/ystack/lab/service"

// authWebhook is ystack's own, of the checkout that the lab is brought up from:
// the API server asks it about Keystone's tokens. Of all services it alone
// needs both Kubernetes and OpenStack, so neither's profile has it.
func authWebhook() *service.Service {
	return &service.Service{
		Name:    "auth-webhook",
		Needs:   []string{"kube-apiserver", "keystone"}, // the one for its certificates
		Address: webhookURL,
		Builds:  []string{"auth-webhook"},
		Command: func(l *service.Lab) []string {
			return []string{
				l.Bin("auth-webhook"), "auth-webhook", "serve", "--auth-url=" + keystoneURL, "--listen=" + webhookAddress,
				"--tls-cert-file=" + l.Etc("pki/webhook.crt"), "--tls-private-key-file=" + l.Etc("pki/webhook.key"),
				"--client-ca-file=" + l.Etc("pki/ca.crt"),
				// Tests see soon what has been revoked, as with webhookFlags.
				"--recheck=10s", "--bad-token-ttl=10s",
			}
		},
		Ready: answers(webhookURL + "/readyz"),
	}
}
