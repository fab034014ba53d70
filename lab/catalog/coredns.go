//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

// Names outside of the cluster get NXDOMAIN at once: the node has no way out.
const corefile = `.:53 {
	errors
	health ` + node.Address + `:8080
	ready ` + node.Address + `:8181
	kubernetes ` + clusterDomain + ` in-addr.arpa ip6.arpa {
		kubeconfig {{.Etc "coredns.kubeconfig"}} lab
		pods insecure
		ttl 5
	}
	cache 5
	loadbalance
}
`

// CoreDNS runs beside the cluster, not in it, so its Service has no selector
// and its endpoint is written down.
const corednsYAML = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ystack-lab:coredns}
rules:
- {apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ystack-lab:coredns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ystack-lab:coredns}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ystack-lab:coredns}]
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/name: CoreDNS}}
spec:
  clusterIP: ` + clusterDNS + `
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-lab, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns, endpointslice.kubernetes.io/managed-by: ystack-lab}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
endpoints: [{addresses: [` + node.Address + `], conditions: {ready: true}}]
`

func coreDNS() *service.Service {
	return &service.Service{
		Name:    "coredns",
		Needs:   []string{"kube-apiserver"},
		Address: clusterDNS + ":53",
		Builds:  []string{"coredns"},
		Files:   map[string]string{"Corefile": corefile, "coredns.yaml": corednsYAML},
		Configure: func(ctx context.Context, l *service.Lab) error {
			return apply(ctx, l, "coredns.yaml")
		},
		Command: func(l *service.Lab) []string { return []string{l.Bin("coredns"), "-conf", l.Etc("Corefile")} },
		Ready:   answers("http://" + node.Address + ":8181/ready"),
	}
}
