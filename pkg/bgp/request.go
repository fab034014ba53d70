package bgp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/suggest"
)

// Request says what is to be advertised from now on, or no more.
type Request struct {
	Namespace string         // of Names and Selector; empty with a Selector: all
	Names     []string       // of Services
	Selector  string         // labels of Services
	DNS       bool           // the Service of the cluster's DNS
	Known     bool           // the ranges that the cluster takes ClusterIPs from
	Ranges    []netip.Prefix // these ranges
	Lists     []List         // which addresses of a Service, and which list a range goes into; default: ClusterIPs
	All       bool           // withdraw: everything that is ystack's
	Peers     []NewPeer      // routers to announce it to, besides those that are there
}

func (r *Request) lists() []List {
	if len(r.Lists) == 0 {
		return []List{ClusterIPs}
	}
	return r.Lists
}

// pick finds the Services that are meant, among all.
func (r *Request) pick(f *Facts, selected []Service) ([]*Service, error) {
	byRef := map[string]*Service{}
	for i := range f.Services {
		byRef[f.Services[i].Ref()] = &f.Services[i]
	}
	var out []*Service
	for _, name := range r.Names {
		s, ok := byRef[r.Namespace+"/"+name]
		if !ok {
			return nil, unknownService(f, r.Namespace, name)
		}
		out = append(out, s)
	}
	for i := range selected {
		if s, ok := byRef[selected[i].Ref()]; ok {
			out = append(out, s)
		}
	}
	if r.DNS {
		s, err := f.dns()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Service) int { return strings.Compare(a.Ref(), b.Ref()) })
	return slices.Compact(out), nil
}

func unknownService(f *Facts, namespace, name string) error {
	var known, elsewhere []string
	for i := range f.Services {
		m := f.Services[i].Metadata
		if m.Namespace == namespace {
			known = append(known, m.Name)
		} else if m.Name == name {
			elsewhere = append(elsewhere, m.Namespace)
		}
	}
	hint := suggest.DidYouMean(name, known)
	if len(elsewhere) > 0 {
		hint = "; there is one in " + few(elsewhere) + ": use -n"
	}
	return &failure{kube.ErrNotFound, fmt.Sprintf("no service %q in namespace %q%s", name, namespace, hint)}
}

// dns is the Service of the cluster's DNS, by the names that installers give it.
func (f *Facts) dns() (*Service, error) {
	for _, name := range []string{"kube-dns", "coredns", "rke2-coredns-rke2-coredns"} {
		for i := range f.Services {
			if s := &f.Services[i]; s.Metadata.Namespace == "kube-system" && s.Metadata.Name == name && len(s.Addresses(ClusterIPs)) > 0 {
				return s, nil
			}
		}
	}
	return nil, &failure{kube.ErrNotFound, "no service kube-dns or coredns with a ClusterIP in namespace kube-system; name the cluster's DNS Service instead of --dns"}
}

// selected are the Services that the selector means.
func (c *Cluster) selected(ctx context.Context, r *Request) ([]Service, error) {
	if r.Selector == "" {
		return nil, nil
	}
	services, err := list[Service](ctx, c.client, servicesPath(r.Namespace), r.Selector)
	if err != nil {
		return nil, err
	}
	if len(services) == 0 {
		return nil, &failure{kube.ErrNotFound, fmt.Sprintf("no service has the labels %q", r.Selector)}
	}
	return services, nil
}

// ranges are those that are meant, as entries of their lists.
func (r *Request) ranges(f *Facts) (Record, error) {
	prefixes := r.Ranges
	if r.Known {
		if len(f.Ranges) == 0 {
			return nil, errors.New("this cluster does not say which ranges its ClusterIPs are from (no ServiceCIDR objects, or you may not list them); " +
				"give what kube-apiserver has as --service-cluster-ip-range: --cidr=RANGE")
		}
		for _, k := range f.Ranges {
			prefixes = append(prefixes, k.Prefix)
		}
	}
	out := Record{}
	for _, p := range prefixes {
		for _, l := range r.lists() {
			out.add(l, p.String(), rangeOrigin)
		}
	}
	return out, nil
}
