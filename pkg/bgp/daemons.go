package bgp

import (
	"context"
	"errors"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ystackdev/ystack/pkg/kube"
)

// overrideVariable makes calico-node ignore serviceClusterIPs.
const overrideVariable = "CALICO_ADVERTISE_CLUSTER_IPS"

// daemonSet is a DaemonSet, as far as its command lines go.
type daemonSet struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Name    string   `json:"name"`
					Command []string `json:"command"`
					Args    []string `json:"args"`
					Env     []struct {
						Name  string `json:"name"`
						Value string `json:"value"`
					} `json:"env"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// calicoNamespaces are where manifests and the operator put calico-node.
func calicoNamespaces() []string { return []string{"calico-system", "kube-system"} }

// override is the value of overrideVariable, wherever calico-node runs.
func (c *Cluster) override(ctx context.Context) (string, error) {
	for _, namespace := range calicoNamespaces() {
		d, err := get[daemonSet](ctx, c.client, "/apis/apps/v1/namespaces/"+namespace+"/daemonsets/calico-node")
		if errors.Is(err, kube.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		for _, container := range d.Spec.Template.Spec.Containers {
			for _, v := range container.Env {
				if v.Name == overrideVariable && v.Value != "" {
					return v.Value, nil
				}
			}
		}
		return "", nil
	}
	return "", nil // run some other way, by systemd for example
}

// proxySettings are what decides whether kube-proxy masquerades what comes
// from outside.
type proxySettings struct {
	Known       bool
	Mode        string `json:"detectLocalMode"`
	ClusterCIDR string `json:"clusterCIDR"`
	IPTables    struct {
		MasqueradeAll bool `json:"masqueradeAll"`
	} `json:"iptables"`
	NFTables struct {
		MasqueradeAll bool `json:"masqueradeAll"`
	} `json:"nftables"`
}

// masquerades reports whether traffic from outside gets the node's address.
func (p proxySettings) masquerades() bool {
	if p.IPTables.MasqueradeAll || p.NFTables.MasqueradeAll {
		return true
	}
	return p.ClusterCIDR != "" || p.Mode != "" && p.Mode != "ClusterCIDR"
}

// proxy reads kube-proxy's ConfigMap, which kubeadm and most others write, and
// what its DaemonSet's flags say on top. Neither need be there.
func (c *Cluster) proxy(ctx context.Context) (proxySettings, error) {
	var p proxySettings
	type configMap struct {
		Data map[string]string `json:"data"`
	}
	m, err := get[configMap](ctx, c.client, "/api/v1/namespaces/kube-system/configmaps/kube-proxy")
	if err == nil {
		for _, text := range m.Data {
			if strings.Contains(text, "KubeProxyConfiguration") && yaml.Unmarshal([]byte(text), &p) == nil {
				p.Known = true
			}
		}
	} else if !errors.Is(err, kube.ErrNotFound) {
		return p, err
	}
	d, err := get[daemonSet](ctx, c.client, "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy")
	if errors.Is(err, kube.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		p.flags(slices.Concat(container.Command, container.Args))
	}
	return p, nil
}

func (p *proxySettings) flags(argv []string) {
	for _, arg := range argv {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "--cluster-cidr":
			p.ClusterCIDR, p.Known = value, true
		case "--detect-local-mode":
			p.Mode, p.Known = value, true
		case "--masquerade-all":
			p.IPTables.MasqueradeAll, p.Known = value != "false", true
		}
	}
}
