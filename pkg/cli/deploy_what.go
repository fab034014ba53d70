package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// deliveries finds out what is to be deployed where, by digest.
func (o *deployImageOptions) deliveries(ctx context.Context, env Env) ([]*pipeline.Delivery, error) {
	site, err := loadSite(env, o.Site)
	if errors.Is(err, app.ErrNoSite) && o.Image != "" {
		site, err = &app.Site{}, nil // an image by its full name needs none
	}
	if err != nil {
		return nil, err
	}
	if o.File == "" {
		return o.byImage(ctx, env, site)
	}
	a, err := app.LoadApplication(o.File)
	if err != nil {
		return nil, err
	}
	kinds, err := o.kinds(a)
	if err != nil {
		return nil, err
	}
	p, err := newPlatforms(env, a, site, o.kube)
	if err != nil {
		return nil, err
	}
	p.force = o.ForceConflicts
	r := deploy.Release{App: a.Metadata.Name, By: userName()}
	if o.Image == "" {
		if err := p.readRevision(ctx); err != nil {
			return nil, err
		}
		r.Revision, r.Source = p.rev.String(), p.rev.Remote
	}
	var list []*pipeline.Delivery
	for _, kind := range kinds {
		find := o.toClouds
		if kind == deploy.Container {
			find = o.toClusters
		}
		found, err := find(ctx, p, kind, r)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// kinds are the targets to deploy to. An image goes to those that it is for.
func (o *deployImageOptions) kinds(a *app.Application) ([]string, error) {
	var kinds []string
	for _, kind := range o.Targets {
		if err := needs(a, kind); err != nil {
			return nil, err
		}
	}
	machine := isRef(o.Image)
	for _, kind := range deploy.Kinds {
		fits := o.Image == "" || machine == (kind != deploy.Container)
		if needs(a, kind) == nil && fits && (len(o.Targets) == 0 || slices.Contains(o.Targets, kind)) {
			kinds = append(kinds, kind)
		}
	}
	switch {
	case len(kinds) == 0 && machine:
		return nil, fmt.Errorf("%s: spec.deploy.vm or spec.deploy.baremetal is needed to deploy %s", a.Path, o.Image)
	case len(kinds) == 0:
		return nil, needs(a, deploy.Container)
	case len(kinds) > 1 && machine:
		return nil, usagef("%s is for vm or for baremetal: say which with --target", o.Image)
	}
	return kinds, nil
}

// toClusters is a container for each context that is named.
func (o *deployImageOptions) toClusters(ctx context.Context, p *platforms, _ string, r deploy.Release) ([]*pipeline.Delivery, error) {
	push := p.stores.site.Spec.Registries.Push
	ref := o.Image
	if ref == "" {
		ref = push + "/" + r.App + ":" + r.Revision
	}
	var err error
	if r.Image, err = pinned(ctx, &image.Client{Insecure: p.stores.site.Spec.Registries.Insecure}, ref); err != nil {
		return nil, err
	}
	var list []*pipeline.Delivery
	names := once(strings.Split(o.kube.overrides.CurrentContext, ","))
	for _, name := range names {
		to, err := p.cluster(name)
		if err != nil {
			return nil, err
		}
		if o.Replicas >= 0 {
			to.Release.Spec.Replicas = &o.Replicas
		}
		d := &pipeline.Delivery{To: to, Release: r}
		if len(names) > 1 {
			d.Place = name
		}
		list = append(list, d)
	}
	return list, nil
}

// once leaves out what was named before: no place is deployed to twice.
func once(names []string) []string {
	var list []string
	for _, name := range names {
		if name = strings.TrimSpace(name); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// toClouds is a machine's image for each cloud that is named.
func (o *deployImageOptions) toClouds(ctx context.Context, p *platforms, kind string, r deploy.Release) ([]*pipeline.Delivery, error) {
	clouds := once(o.Clouds)
	if len(clouds) == 0 {
		clouds = []string{""}
	}
	var list []*pipeline.Delivery
	for _, cloud := range clouds {
		to, err := p.machines(kind, cloud)
		if err != nil {
			return nil, err
		}
		i, err := o.machineImage(ctx, p, kind, p.cloudName(cloud), r)
		if err != nil {
			return nil, err
		}
		d := &pipeline.Delivery{To: to, Release: r}
		d.Release.Image, d.Release.SHA256 = store.Glance+"://"+p.cloudName(cloud)+"/"+i.ID, i.Properties[store.SHA256]
		d.Release.Revision = i.Properties[store.Revision]
		if len(clouds) > 1 {
			d.Place = cloud
		}
		list = append(list, d)
	}
	return list, nil
}

// machineImage is the image that was named, or the one of the checkout's revision.
func (o *deployImageOptions) machineImage(ctx context.Context, p *platforms, kind, cloud string, r deploy.Release) (store.Info, error) {
	if o.Image != "" {
		i, err := p.stores.stat(ctx, o.Image)
		if at := i.Properties[store.Target]; err == nil && at != "" && at != kind {
			return i, fmt.Errorf("%s is an image for %s, not for %s", o.Image, at, kind)
		}
		return i, err
	}
	place := store.Ref{Scheme: store.Glance, Host: cloud}
	s, err := p.stores.open(place)
	if err != nil {
		return store.Info{}, err
	}
	all, err := s.List(ctx, place, r.App)
	if err != nil {
		return store.Info{}, err
	}
	i, err := newest(all, kind, r, cloud)
	if err == nil {
		return i, nil
	}
	if same := p.sameInputs(ctx, kind, cloud); same != nil {
		return *same, nil
	}
	return i, err
}

// newest is the revision's image, the last one of several. Images of other revisions are
// only told of.
func newest(all []store.Info, kind string, r deploy.Release, cloud string) (store.Info, error) {
	var found, other store.Info
	for _, i := range all {
		if i.Properties[store.Target] != kind || i.State != store.Active || i.Properties[store.SHA256] == "" {
			continue
		}
		at := &other
		if i.Properties[store.Revision] == r.Revision {
			at = &found
		}
		if at.ID == "" || i.Created.After(at.Created) {
			*at = i
		}
	}
	if found.ID != "" {
		return found, nil
	}
	hint := "build it with `kubectl ystack pipeline run` or `openstack ystack image build`"
	if other.ID != "" {
		hint += fmt.Sprintf(", or deploy the newest there is, of revision %s: glance://%s/%s", shortRevision(other.Properties[store.Revision]), cloud, other.ID)
	}
	return store.Info{}, fmt.Errorf("cloud %s has no %s image of %s at revision %s; %s", cloud, kind, r.App, shortRevision(r.Revision), hint)
}

// byImage is what was deployed before under the image's name, with the new image.
func (o *deployImageOptions) byImage(ctx context.Context, env Env, site *app.Site) ([]*pipeline.Delivery, error) {
	name := o.Name
	if name == "" {
		name = lastPart(o.Image)
	}
	a := &app.Application{Metadata: app.Metadata{Name: name}}
	p, err := newPlatforms(env, a, site, o.kube)
	if err != nil {
		return nil, err
	}
	p.force = o.ForceConflicts
	to, err := p.cluster("")
	if err != nil {
		return nil, err
	}
	r, err := to.Deployer.Current(ctx, to.Client.Namespace, name)
	switch {
	case errors.Is(err, deploy.ErrNotDeployed):
		r = kubernetes.Release{}
	case err != nil:
		return nil, err
	case r.Spec.Manifests != "":
		return nil, fmt.Errorf("%s was deployed from manifests in its source (%s): deploy it with -f ystack.yaml", name, r.Spec.Manifests)
	case len(o.Ports) > 0:
		return nil, usagef("--port: %s is deployed already, with ports of its own; change them in its ystack.yaml and deploy with -f", name)
	}
	for _, p := range o.Ports {
		r.Spec.Ports = append(r.Spec.Ports, app.Port{Name: fmt.Sprintf("port-%d", p), Port: p, TargetPort: p, Protocol: "TCP"})
	}
	if o.Replicas >= 0 {
		r.Spec.Replicas = &o.Replicas
	}
	r.Release = deploy.Release{App: name, By: userName()}
	to.Release = r
	r.Image, err = pinned(ctx, &image.Client{Insecure: site.Spec.Registries.Insecure}, o.Image)
	return []*pipeline.Delivery{{To: to, Release: r.Release}}, err
}
