package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ystackdev/ystack/pkg/kube"
)

// service is what is read of a Service.
type service struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ClusterIP string        `json:"clusterIP"`
		Ports     []servicePort `json:"ports"`
	} `json:"spec"`
	Status struct {
		LoadBalancer struct {
			Ingress []struct{ IP, Hostname string } `json:"ingress"`
		} `json:"loadBalancer"`
	} `json:"status"`
}

type servicePort struct {
	Name       string             `json:"name"`
	Port       int32              `json:"port"`
	TargetPort intstr.IntOrString `json:"targetPort"`
	NodePort   int32              `json:"nodePort"`
	Protocol   string             `json:"protocol"`
}

// Answer says where the release answers.
func (d *Deployer) Answer(ctx context.Context, r Release) (Answer, error) {
	a := Answer{Namespace: d.Namespace(r)}
	s, err := d.service(ctx, r)
	if errors.Is(err, kube.ErrForbidden) {
		return a, nil // that it runs is known; only where is not
	}
	if s == nil || err != nil {
		return a, err
	}
	a.Service, a.DNS = s.Name, s.Name+"."+s.Namespace+".svc"
	for _, p := range s.Spec.Ports {
		if s.Spec.ClusterIP != "" && s.Spec.ClusterIP != "None" {
			a.URLs = append(a.URLs, address(s.Spec.ClusterIP, p))
		} else {
			a.URLs = append(a.URLs, address(a.DNS, p))
		}
		if p.NodePort != 0 {
			a.NodePorts = append(a.NodePorts, p.NodePort)
		}
		for _, ingress := range s.Status.LoadBalancer.Ingress {
			a.External = append(a.External, address(ingress.IP+ingress.Hostname, p))
		}
	}
	return a, nil
}

// address says how to reach a port. Most are HTTP, and the name tells of others.
func address(host string, p servicePort) string {
	scheme := "http"
	switch {
	case p.Protocol != "" && p.Protocol != "TCP":
		scheme = strings.ToLower(p.Protocol)
	case p.Name == "https", strings.HasPrefix(p.Name, "https-"), p.Port == 443:
		scheme = "https"
	case p.Name != "" && !strings.HasPrefix(p.Name, "http") && p.Name != "web":
		scheme = "tcp"
	}
	if scheme == "http" && p.Port == 80 || scheme == "https" && p.Port == 443 {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(p.Port)))
}

// service finds the release's Service; nil if it has none. Of several the one
// that leads to the port of the health check is meant.
func (d *Deployer) service(ctx context.Context, r Release) (*service, error) {
	if len(r.Spec.Ports) == 0 && r.Spec.Manifests == "" {
		return nil, nil
	}
	api := d.in(resourceOf("", "services"), d.Namespace(r))
	list, err := api.List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(ownership(r.App)).String()})
	if apierrors.IsForbidden(err) {
		one, err := api.Get(ctx, r.App, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, d.Client.Explain(err)
		}
		return decode[service](one), nil
	}
	if err != nil {
		return nil, d.Client.Explain(err)
	}
	var best *service
	for i := range list.Items {
		s := decode[service](&list.Items[i])
		if _, ok := s.healthPort(r); ok || best == nil {
			best = s
		}
	}
	return best, nil
}

// healthPort is the Service's port that leads to the one of the health check.
func (s *service) healthPort(r Release) (servicePort, bool) {
	if r.Health == nil || r.Health.HTTP == nil {
		return servicePort{}, false
	}
	for _, p := range s.Spec.Ports {
		if p.TargetPort.IntVal == r.Health.HTTP.Port {
			return p, true
		}
	}
	// A target port by name: which number that is only the pods know.
	for _, p := range s.Spec.Ports {
		if p.TargetPort.Type == intstr.String && strings.HasPrefix(p.TargetPort.StrVal, "http") {
			return p, true
		}
	}
	return servicePort{}, false
}

// proxyPath is the API server's way to a port of a Service.
func (s *service) proxyPath(p servicePort, path string) string {
	return fmt.Sprintf("/api/v1/namespaces/%s/services/%s:%d/proxy%s", s.Namespace, s.Name, p.Port, path)
}
