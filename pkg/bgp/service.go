package bgp

import (
	"fmt"
	"net/netip"
	"time"
)

// object is any object, without its contents.
type object struct {
	Metadata meta `json:"metadata"`
}

// meta is what matters of an object's metadata.
type meta struct {
	Namespace       string            `json:"namespace,omitempty"`
	Name            string            `json:"name"`
	Created         time.Time         `json:"creationTimestamp"`
	UID             string            `json:"uid,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
}

// Service is a Kubernetes Service, as far as its addresses go.
type Service struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Type                  string   `json:"type"`
		ClusterIP             string   `json:"clusterIP"`
		ClusterIPs            []string `json:"clusterIPs"`
		ExternalIPs           []string `json:"externalIPs"`
		ExternalTrafficPolicy string   `json:"externalTrafficPolicy"`
		Ports                 []Port   `json:"ports"`
	} `json:"spec"`
	Status struct {
		LoadBalancer struct {
			Ingress []struct {
				IP string `json:"ip"`
			} `json:"ingress"`
		} `json:"loadBalancer"`
	} `json:"status"`
}

// Port is a port of a Service.
type Port struct {
	Name     string `json:"name"`
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port"`
}

// Ref is NAMESPACE/NAME.
func (s *Service) Ref() string { return s.Metadata.Namespace + "/" + s.Metadata.Name }

// Addresses are those of the Service that belong into a list, each as a range
// of its own.
func (s *Service) Addresses(l List) []netip.Prefix {
	var texts []string
	switch l {
	case ClusterIPs:
		texts = s.Spec.ClusterIPs
		if len(texts) == 0 {
			texts = []string{s.Spec.ClusterIP}
		}
		if s.Spec.Type == "ExternalName" {
			return nil
		}
	case ExternalIPs:
		texts = s.Spec.ExternalIPs
	case LoadBalancerIPs:
		for _, ingress := range s.Status.LoadBalancer.Ingress {
			texts = append(texts, ingress.IP)
		}
	}
	var out []netip.Prefix
	for _, text := range texts {
		if ip, err := netip.ParseAddr(text); err == nil { // neither "None" nor ""
			out = append(out, single(ip.Unmap()))
		}
	}
	return out
}

// advertisable explains why a Service has no address for a list.
func (s *Service) advertisable(l List) error {
	if len(s.Addresses(l)) > 0 {
		return nil
	}
	var why string
	switch {
	case l == ExternalIPs:
		why = "has no externalIPs; set spec.externalIPs first"
	case l == LoadBalancerIPs:
		why = "has no address of a load balancer (yet); whatever assigns them has to do so first"
	case s.Spec.Type == "ExternalName":
		why = "is of type ExternalName, a name in DNS without an address; there is nothing to advertise"
	case s.Spec.ClusterIP == "None":
		why = "is headless (clusterIP: None): it has no address of its own; advertise a Service that has one"
	default:
		why = "has no ClusterIP"
	}
	return &failure{ErrNotAdvertisable, fmt.Sprintf("service %s %s", s.Ref(), why)}
}

// intent reads the annotation.
func (s *Service) intent() (Intent, error) {
	i, err := ParseIntent(s.Metadata.Annotations[Annotation])
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", s.Ref(), err)
	}
	return i, nil
}

// exportsAnyway reports whether Calico announces the ClusterIP of the Service
// as soon as it announces any, whatever the list says: it does so from nodes
// with endpoints of a Service that keeps the traffic local.
func (s *Service) exportsAnyway() bool {
	return s.Spec.ExternalTrafficPolicy == "Local" && (s.Spec.Type == "NodePort" || s.Spec.Type == "LoadBalancer") &&
		len(s.Addresses(ClusterIPs)) > 0
}
