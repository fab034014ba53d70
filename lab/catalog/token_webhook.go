//go:build linux

package catalog

import (
	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/pki"
	"github.com/ystackdev/ystack/lab/service"
)

// Where the API server asks whose a token is, inside the node. Nobody needs to
// listen there: without an answer a token that only the webhook could know is
// refused, and all others work as ever.
const (
	webhookAddress = "127.0.0.1:18443"
	webhookURL     = "https://" + webhookAddress
)

const webhookKubeconfig = `apiVersion: v1
kind: Config
current-context: webhook
contexts: [{name: webhook, context: {cluster: webhook, user: kube-apiserver}}]
clusters: [{name: webhook, cluster: {server: "` + webhookURL + `/webhook", certificate-authority: {{.Etc "pki/ca.crt"}}}}]
users: [{name: kube-apiserver, user: {client-certificate: {{.Etc "pki/apiserver.crt"}}, client-key: {{.Etc "pki/apiserver.key"}}}}]
`

// webhookFlags make the API server ask. It remembers an answer for a few
// seconds only, so that tests see soon what has been revoked; its own default
// is two minutes.
func webhookFlags(l *service.Lab) []string {
	return []string{
		"--authentication-token-webhook-config-file=" + l.Etc("token-webhook.kubeconfig"),
		"--authentication-token-webhook-version=v1", "--authentication-token-webhook-cache-ttl=10s",
	}
}

// webhookServer is the certificate that the webhook shows: pki/webhook.crt and
// pki/webhook.key.
func webhookServer() pki.Leaf {
	return pki.Leaf{Name: "webhook", User: "ystack-auth-webhook", Names: []string{"127.0.0.1", node.Address, "localhost"}}
}
