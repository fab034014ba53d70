//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/pki"
	"github.com/ystackdev/ystack/lab/service"
)

// The webhook tells users the namespaces of their projects, for which it may read namespaces.
const webhookYAML = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ystack-lab:auth-webhook}
rules: [{apiGroups: [""], resources: [namespaces], verbs: [list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ystack-lab:auth-webhook}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ystack-lab:auth-webhook}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ystack-lab:auth-webhook}]
`

// authWebhook is ystack's own, of the checkout that the lab is brought up from:
// the API server asks it about Keystone's tokens. Of all services it alone
// needs both Kubernetes and OpenStack, so neither's profile has it. Its identity
// in the cluster is made here, not with the others: the API server need not know of it.
func authWebhook() *service.Service {
	return &service.Service{
		Name:    "auth-webhook",
		Needs:   []string{"kube-apiserver", "keystone"}, // the one for its certificates
		Address: webhookURL,
		Builds:  []string{"auth-webhook"},
		Files:   map[string]string{"auth-webhook.yaml": webhookYAML},
		Configure: func(ctx context.Context, l *service.Lab) error {
			const name = "auth-webhook"
			if err := pki.Ensure(l.Etc("pki"), []pki.Leaf{{Name: name, User: "ystack-lab:" + name}}); err != nil {
				return err
			}
			if err := pki.Kubeconfig(l.Etc(name+".kubeconfig"), l.Etc("pki"), name, apiURL); err != nil {
				return err
			}
			return apply(ctx, l, name+".yaml")
		},
		Command: func(l *service.Lab) []string {
			return []string{
				l.Bin("auth-webhook"), "auth-webhook", "serve", "--auth-url=" + keystoneURL, "--listen=" + webhookAddress,
				"--tls-cert-file=" + l.Etc("pki/webhook.crt"), "--tls-private-key-file=" + l.Etc("pki/webhook.key"),
				"--client-ca-file=" + l.Etc("pki/ca.crt"), "--kubeconfig=" + l.Etc("auth-webhook.kubeconfig"),
				// Tests see soon what has been revoked, as with webhookFlags.
				"--recheck=10s", "--bad-token-ttl=10s",
			}
		},
		Ready: answers(webhookURL + "/readyz"),
	}
}
