package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/app"
)

// object is a piece of JSON. Numbers in it are int64, as unstructured wants them.
type object = map[string]any

// digestReference is an image that cannot change under its name.
var digestReference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[^@\s]+@sha256:[0-9a-f]{64}$`)
})

// Render gives the objects of a release without asking a cluster (that is what
// --dry-run=client prints). Namespaced objects get the given namespace.
func (d *Deployer) Render(ctx context.Context, r Release, namespace string) ([]Object, error) {
	if r.App == "" {
		return nil, fmt.Errorf("%w: the application has no name", ErrSpec)
	}
	if !digestReference().MatchString(r.Image) {
		return nil, fmt.Errorf("%w: image %q is not of the form REPOSITORY@sha256:DIGEST", ErrSpec, r.Image)
	}
	if r.Spec.Manifests != "" {
		return d.renderManifests(ctx, r, namespace)
	}
	return render(r, namespace)
}

// render makes a Deployment, and a Service if there are ports.
func render(r Release, namespace string) ([]Object, error) {
	annotations, err := record(r)
	if err != nil {
		return nil, err
	}
	var objects []Object
	if len(r.Spec.Ports) > 0 {
		objects = append(objects, made("v1", "Service", r.App, namespace, nil, object{
			"selector": selector(r.App),
			"ports":    servicePorts(r.Spec.Ports),
		}))
	}
	deployment := made("apps/v1", "Deployment", r.App, namespace, annotations, deploymentSpec(r))
	deployment.carriesImage = true
	return append(objects, deployment), nil
}

// made is an object of ours from scratch.
func made(apiVersion, kind, name, namespace string, annotations, spec object) Object {
	labels := object{labelName: name}
	for key, value := range ownership(name) {
		labels[key] = value
	}
	metadata := object{"name": name, "namespace": namespace, "labels": labels}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	return Object{Unstructured: &unstructured.Unstructured{Object: object{
		"apiVersion": apiVersion, "kind": kind, "metadata": metadata, "spec": spec,
	}}}
}

// selector holds stable labels only: a Deployment's selector can never change.
func selector(app string) object { return object{labelName: app, labelInstance: app} }

func deploymentSpec(r Release) object {
	spec := object{
		"selector": object{"matchLabels": selector(r.App)},
		"template": object{
			"metadata": object{"labels": selector(r.App)},
			"spec":     podSpec(r),
		},
	}
	// Left out if it is not set, so that an autoscaler's value stays.
	if r.Spec.Replicas != nil {
		spec["replicas"] = int64(*r.Spec.Replicas)
	}
	return spec
}

func podSpec(r Release) object {
	spec := object{"containers": []any{container(r)}}
	if len(r.Spec.ImagePullSecrets) > 0 {
		secrets := []any{}
		for _, name := range r.Spec.ImagePullSecrets {
			secrets = append(secrets, object{"name": name})
		}
		spec["imagePullSecrets"] = secrets
	}
	return spec
}

func container(r Release) object {
	c := object{"name": r.App, "image": r.Image}
	if ports := containerPorts(r.Spec.Ports); len(ports) > 0 {
		c["ports"] = ports
	}
	if len(r.Spec.Env) > 0 {
		env := []any{}
		for _, name := range slices.Sorted(maps.Keys(r.Spec.Env)) {
			env = append(env, object{"name": name, "value": r.Spec.Env[name]})
		}
		c["env"] = env
	}
	if resources := resources(r.Spec.Resources); len(resources) > 0 {
		c["resources"] = resources
	}
	if probe := readinessProbe(r.Health); probe != nil {
		c["readinessProbe"] = probe
	}
	return c
}

// containerPorts lists each port once, also where two ports of the Service lead to it.
func containerPorts(ports []app.Port) []any {
	var list []any
	seen := map[string]bool{}
	for _, p := range ports {
		key := fmt.Sprint(targetPort(p), protocol(p))
		if !seen[key] {
			seen[key] = true
			list = append(list, object{"containerPort": int64(targetPort(p)), "protocol": protocol(p)})
		}
	}
	return list
}

func servicePorts(ports []app.Port) []any {
	list := []any{}
	for _, p := range ports {
		port := object{"port": int64(p.Port), "targetPort": int64(targetPort(p)), "protocol": protocol(p)}
		if p.Name != "" {
			port["name"] = p.Name
		}
		list = append(list, port)
	}
	return list
}

func targetPort(p app.Port) int32 {
	if p.TargetPort != 0 {
		return p.TargetPort
	}
	return p.Port
}

func protocol(p app.Port) string {
	if p.Protocol != "" {
		return p.Protocol
	}
	return "TCP"
}

func resources(r *app.Resources) object {
	out := object{}
	if r == nil {
		return out
	}
	for key, amounts := range map[string]map[string]string{"requests": r.Requests, "limits": r.Limits} {
		if len(amounts) == 0 {
			continue
		}
		list := object{}
		for name, amount := range amounts {
			list[name] = amount
		}
		out[key] = list
	}
	return out
}

// readinessProbe asks often: how fast a rollout is seen to be done depends on it.
func readinessProbe(h *app.Health) object {
	var probe object
	switch {
	case h == nil:
		return nil
	case h.HTTP != nil:
		probe = object{"httpGet": object{"port": int64(h.HTTP.Port), "path": healthPath(h.HTTP)}}
	case h.TCP != nil:
		probe = object{"tcpSocket": object{"port": int64(h.TCP.Port)}}
	default:
		return nil
	}
	probe["periodSeconds"] = int64(2)
	return probe
}

func healthPath(h *app.HTTPHealth) string {
	if h.Path != "" {
		return h.Path
	}
	return "/"
}
