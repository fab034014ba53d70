package bgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Peer is a BGPPeer.
type Peer struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		PeerIP       string      `json:"peerIP"`
		AS           json.Number `json:"asNumber"`
		Node         string      `json:"node"`
		NodeSelector string      `json:"nodeSelector"`
		PeerSelector string      `json:"peerSelector"`
		Filters      []string    `json:"filters"`
		Password     *struct {
			SecretKeyRef struct {
				Name string `json:"name"`
				Key  string `json:"key"`
			} `json:"secretKeyRef"`
		} `json:"password"`
	} `json:"spec"`
}

// Ours reports whether ystack made it.
func (p *Peer) Ours() bool { return p.Metadata.Labels[labelManagedBy] == managedBy }

// IP is the peer's address, without the port that may follow it.
func (p *Peer) IP() (netip.Addr, bool) {
	if ip, err := netip.ParseAddr(p.Spec.PeerIP); err == nil {
		return ip, true
	}
	at, err := netip.ParseAddrPort(p.Spec.PeerIP)
	return at.Addr(), err == nil
}

// Nodes says which nodes speak with it.
func (p *Peer) Nodes() string {
	switch {
	case p.Spec.Node != "":
		return p.Spec.Node
	case p.Spec.NodeSelector != "":
		return p.Spec.NodeSelector
	}
	return "all"
}

// Secret is NAME/KEY of the password, or empty.
func (p *Peer) Secret() string {
	if p.Spec.Password == nil {
		return ""
	}
	return p.Spec.Password.SecretKeyRef.Name + "/" + p.Spec.Password.SecretKeyRef.Key
}

// NewPeer is a peer to be added.
type NewPeer struct {
	Neighbour
	As           string // name of the object; default: from the address
	Port         uint16 // default: BGP's own
	NodeSelector string // in Calico's language; default: all nodes
	Secret       string // NAME/KEY, in calico-node's namespace
	Exact        bool   // it is to learn what ystack advertises, and nothing else
}

func (n NewPeer) name() string {
	if n.As != "" {
		return n.As
	}
	return "ystack-" + strings.Trim(strings.NewReplacer(".", "-", ":", "-").Replace(n.IP.StringExpanded()), "-")
}

func (n NewPeer) peerIP() string {
	if n.Port == 0 {
		return n.IP.String()
	}
	return netip.AddrPortFrom(n.IP, n.Port).String()
}

// password says which one may be wrong: a router that gets another, or none,
// does not answer at all.
func (n NewPeer) password() string {
	if n.Secret == "" {
		return "password (none is set; --password-secret of peers add names one)"
	}
	return "password (that of secret " + n.Secret + ")"
}

// Peers lists them, sorted by name.
func (c *Cluster) Peers(ctx context.Context) ([]Peer, error) {
	return list[Peer](ctx, c.client, c.calico("bgppeers"), "")
}

// PlannedPeer is a peer with the object that makes it.
type PlannedPeer struct {
	NewPeer
	object *unstructured.Unstructured
}

// Name is that of the object.
func (p PlannedPeer) Name() string { return p.object.GetName() }

// peer is what it is going to be.
func (p PlannedPeer) peer() Peer {
	var out Peer
	out.Metadata.Name, out.Spec.PeerIP, out.Spec.AS = p.Name(), p.peerIP(), json.Number(p.AS.String())
	return out
}

// planPeers leaves out those that the nodes speak with already.
func (c *Cluster) planPeers(ctx context.Context, peers []NewPeer, f *Facts) ([]PlannedPeer, error) {
	var out []PlannedPeer
	for _, n := range peers {
		u, err := c.planPeer(ctx, n, f)
		if err != nil {
			return nil, err
		}
		if u != nil {
			out = append(out, PlannedPeer{n, u})
		}
	}
	return out, nil
}

// planPeer is the object to create, or nil. It changes nothing.
func (c *Cluster) planPeer(ctx context.Context, n NewPeer, f *Facts) (*unstructured.Unstructured, error) {
	if n.AS > maxCRDASN && c.version.Group == "crd.projectcalico.org" {
		return nil, &failure{ErrOldCalico, fmt.Sprintf("AS number %s: the cluster's definition of BGPPeer takes numbers up to %d", n.AS, maxCRDASN)}
	}
	for _, p := range f.Peers {
		switch ip, ok := p.IP(); {
		case !ok || ip != n.IP && p.Metadata.Name != n.name():
			continue
		case ip == n.IP && p.Spec.AS.String() == n.AS.String() && n.matches(p):
			return nil, nil
		case p.Metadata.Name == n.name():
			return nil, &failure{kube.ErrConflict, fmt.Sprintf("a BGPPeer %s is there with other settings (%s, AS %s, nodes %s; peers list -o wide shows all); "+
				"remove it with `kubectl ystack advertise-clusterip peers remove %s`, or choose another --name",
				p.Metadata.Name, p.Spec.PeerIP, p.Spec.AS, p.Nodes(), p.Metadata.Name)}
		case n.matches(p):
			return nil, &failure{kube.ErrConflict, fmt.Sprintf("BGPPeer %s has %s with AS number %s, not %s; one of both is wrong", p.Metadata.Name, ip, p.Spec.AS, n.AS)}
		}
	}
	if err := f.checkPeer(n.IP); err != nil {
		return nil, err
	}
	if err := c.checkSecret(ctx, n.Secret); err != nil {
		return nil, err
	}
	return n.object(c)
}

// matches reports whether a peer is what n would become, but for its name and AS number.
func (n NewPeer) matches(p Peer) bool {
	return p.Spec.PeerIP == n.peerIP() && p.Spec.NodeSelector == n.NodeSelector && p.Spec.Node == "" && p.Secret() == n.Secret &&
		n.Exact == slices.Contains(p.Spec.Filters, filterName)
}

func (n NewPeer) object(c *Cluster) (*unstructured.Unstructured, error) {
	spec := map[string]any{"peerIP": n.peerIP(), "asNumber": int64(n.AS)}
	if n.NodeSelector != "" {
		spec["nodeSelector"] = n.NodeSelector
	}
	if n.Exact {
		spec["filters"] = []string{filterName}
	}
	if name, key, ok := strings.Cut(n.Secret, "/"); ok {
		spec["password"] = map[string]any{"secretKeyRef": map[string]any{"name": name, "key": key}}
	}
	u := c.newObject("BGPPeer", n.name())
	return u, setSpec(u, spec)
}

// checkSecret sees that the password is there, as far as the user may look: the
// value itself goes nowhere.
func (c *Cluster) checkSecret(ctx context.Context, ref string) error {
	if ref == "" {
		return nil
	}
	name, key, ok := strings.Cut(ref, "/")
	if !ok || name == "" || key == "" {
		return fmt.Errorf("password secret %q: write NAME/KEY of a Secret in calico-node's namespace", ref)
	}
	for _, namespace := range calicoNamespaces() {
		type secret struct {
			Data map[string]json.RawMessage `json:"data"`
		}
		s, err := get[secret](ctx, c.client, "/api/v1/namespaces/"+namespace+"/secrets/"+name)
		switch {
		case errors.Is(err, kube.ErrForbidden):
			return nil // who may not look may still know
		case errors.Is(err, kube.ErrNotFound):
			continue
		case err != nil:
			return err
		case s.Data[key] == nil:
			return &failure{kube.ErrNotFound, fmt.Sprintf("secret %s/%s has no key %q for the password of the session", namespace, name, key)}
		}
		return nil
	}
	return &failure{kube.ErrNotFound, fmt.Sprintf("secret %q with the password of the session is in neither %s: "+
		"calico-node reads it in its own namespace; create it there", name, strings.Join(calicoNamespaces(), " nor "))}
}

// createPeer makes the object, and the filter that it may refer to.
func (c *Cluster) createPeer(ctx context.Context, u *unstructured.Unstructured, record Record, dry bool) error {
	if filters, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "filters"); len(filters) > 0 {
		if err := c.ensureFilter(ctx, record, true, dry); err != nil {
			if errors.Is(err, kube.ErrNotFound) {
				return &failure{ErrOldCalico, "the cluster knows no BGPFilter, which Calico has since 3.24: leave out --exact, or upgrade Calico"}
			}
			return err
		}
	}
	options := metav1.CreateOptions{FieldManager: manager}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err := c.client.Dynamic.Resource(c.gvr("bgppeers")).Create(ctx, u, options)
	return c.client.Explain(err)
}

// DryRun says how far a change goes.
type DryRun string

const (
	DryRunNone   DryRun = "none"
	DryRunClient DryRun = "client"
	DryRunServer DryRun = "server"
)

// RemovePeer takes away a peer by its name or address. One that ystack did not
// make goes only if that is meant.
func (c *Cluster) RemovePeer(ctx context.Context, which string, foreign bool, dry DryRun) (name string, err error) {
	peers, err := c.Peers(ctx)
	if err != nil {
		return "", err
	}
	var found []Peer
	for _, p := range peers {
		ip, ok := p.IP()
		if p.Metadata.Name == which || ok && ip.String() == which {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		return "", &failure{kube.ErrNotFound, fmt.Sprintf("no BGPPeer has the name or address %q; `kubectl ystack advertise-clusterip peers list` shows them", which)}
	case len(found) > 1:
		return "", &failure{kube.ErrConflict, strconv.Itoa(len(found)) + " BGPPeers have the address " + which + "; say which by its name"}
	case !found[0].Ours() && !foreign:
		return "", &failure{ErrRefused, fmt.Sprintf("BGPPeer %s is not ystack's; --foreign removes it all the same", found[0].Metadata.Name)}
	}
	if dry == DryRunClient {
		return found[0].Metadata.Name, nil
	}
	return found[0].Metadata.Name, c.deletePeer(ctx, found[0].Metadata.Name, found[0].Metadata.UID, dry == DryRunServer)
}

func (c *Cluster) deletePeer(ctx context.Context, name, uid string, dry bool) error {
	options := metav1.DeleteOptions{}
	if uid != "" {
		options.Preconditions = metav1.NewUIDPreconditions(uid)
	}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	err := c.client.Dynamic.Resource(c.gvr("bgppeers")).Delete(ctx, name, options)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return c.client.Explain(err)
}
