//go:build linux

package catalog

import "github.com/ystackdev/ystack/lab/service"

// The limits of connection tracking belong to the machine's own namespace,
// so kube-proxy must not try to set them: zero means hands off.
const kubeProxyYAML = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
hostnameOverride: ` + nodeName + `
clusterCIDR: 10.244.0.0/16
clientConnection: {kubeconfig: "{{.Etc "kube-proxy.kubeconfig"}}"}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
bindAddress: 127.0.0.1
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
oomScoreAdj: 0
`

func kubeProxy() *service.Service {
	return &service.Service{
		Name:     "kube-proxy",
		Needs:    []string{"kube-apiserver"},
		Address:  "127.0.0.1:10256",
		Builds:   []string{"kubernetes"},
		Packages: map[string]string{"nftables": "/usr/sbin/nft", "conntrack": "/usr/sbin/conntrack"},
		Files:    map[string]string{"kube-proxy.yaml": kubeProxyYAML},
		Command: func(l *service.Lab) []string {
			return []string{l.Bin("kube-proxy"), "--config=" + l.Etc("kube-proxy.yaml")}
		},
		Ready: answers("http://127.0.0.1:10256/livez"),
	}
}
