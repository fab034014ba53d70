//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/pki"
	"github.com/ystackdev/ystack/lab/service"
)

const (
	apiAddress = "127.0.0.1:16443"
	apiURL     = "https://" + apiAddress
	nodeName   = "node1"
)

func kubeAPIServer() *service.Service {
	return &service.Service{
		Name:      "kube-apiserver",
		Needs:     []string{"etcd"},
		Address:   apiURL,
		Builds:    []string{"kubernetes"},
		Files:     map[string]string{"token-webhook.kubeconfig": webhookKubeconfig},
		Configure: func(_ context.Context, l *service.Lab) error { return identities(l) },
		Command: func(l *service.Lab) []string {
			pki := l.Etc("pki/")
			argv := []string{
				l.Bin("kube-apiserver"), "--etcd-servers=" + etcdURL,
				"--bind-address=0.0.0.0", "--advertise-address=" + node.Address, "--secure-port=16443",
				"--tls-cert-file=" + pki + "/apiserver.crt", "--tls-private-key-file=" + pki + "/apiserver.key",
				"--service-cluster-ip-range=" + node.Services, "--allow-privileged=true",
				"--service-account-issuer=https://kubernetes.default.svc",
				"--service-account-key-file=" + pki + "/sa.pub", "--service-account-signing-key-file=" + pki + "/sa.key",
				// The node's name resolves nowhere.
				"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority=" + pki + "/ca.crt",
				"--kubelet-client-certificate=" + pki + "/admin.crt", "--kubelet-client-key=" + pki + "/admin.key",
				"--requestheader-client-ca-file=" + pki + "/ca.crt", "--requestheader-allowed-names=front-proxy",
				"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
				"--proxy-client-cert-file=" + pki + "/front-proxy.crt", "--proxy-client-key-file=" + pki + "/front-proxy.key",
			}
			return append(argv, whoAndWhat(l)...)
		},
		Ready: answers(apiURL + "/readyz"),
	}
}

// whoAndWhat are the flags that decide who a caller is and what it may do.
// ABAC (--authorization-mode=Node,ABAC,RBAC --authorization-policy-file=…) goes here.
func whoAndWhat(l *service.Lab) []string {
	return append(webhookFlags(l), "--client-ca-file="+l.Etc("pki/ca.crt"), "--authorization-mode=Node,RBAC")
}

// identities makes the certificates of all the cluster's parts and the
// kubeconfigs of its clients.
func identities(l *service.Lab) error {
	dir := l.Etc("pki")
	clients := []pki.Leaf{
		{Name: "admin", User: "admin", Groups: []string{"system:masters"}},
		{Name: "kube-controller-manager", User: "system:kube-controller-manager"},
		{Name: "kube-scheduler", User: "system:kube-scheduler"},
		{Name: "kube-proxy", User: "system:kube-proxy"},
		{Name: "coredns", User: "ystack-lab:coredns"},
		{Name: "kubelet", User: "system:node:" + nodeName, Groups: []string{"system:nodes"}, Names: []string{"127.0.0.1", node.Address, nodeName}},
	}
	servers := []pki.Leaf{
		webhookServer(),
		{Name: "front-proxy", User: "front-proxy"},
		{Name: "apiserver", User: "kube-apiserver", Names: []string{
			"127.0.0.1", "10.96.0.1", node.Address, "localhost", "kubernetes", "kubernetes.default",
			"kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain,
		}},
	}
	if err := pki.Ensure(dir, append(servers, clients...)); err != nil {
		return err
	}
	for _, c := range clients {
		if err := pki.Kubeconfig(l.Etc(c.Name+".kubeconfig"), dir, c.Name, apiURL); err != nil {
			return err
		}
	}
	return pki.Kubeconfig(l.Kubeconfig(), dir, "admin", apiURL)
}
