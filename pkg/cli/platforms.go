package cli

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build/machine"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/ironic"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/deploy/nova"
	"github.com/ystackdev/ystack/pkg/image/glance"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/source"
)

// platforms makes the targets of an application on a site. Nothing is asked over the
// network yet.
type platforms struct {
	env    Env
	app    *app.Application
	dir    string // of ystack.yaml
	rev    source.Revision
	kube   *kubeFlags
	force  bool
	stores *imageStores
}

// newPlatforms is for an application, or for one of which only the name is known.
func newPlatforms(env Env, a *app.Application, site *app.Site, kube *kubeFlags) (*platforms, error) {
	p := &platforms{env: env, app: a, kube: kube, stores: &imageStores{env: env}}
	p.stores.on(site)
	if a.Path == "" {
		return p, nil
	}
	var err error
	p.dir, err = filepath.Abs(filepath.Dir(a.Path))
	return p, err
}

func addTargetFlag(cmd *cobra.Command, targets *[]string) {
	cmd.Flags().StringSliceVar(targets, "target", nil, "container, vm, baremetal (default: all that the application has)")
}

// cluster is the application's place in the cluster of a context; "" is the site's.
func (p *platforms) cluster(name string) (*kubernetes.Target, error) {
	kube := *p.kube
	if name != "" {
		kube.overrides.CurrentContext = name
	}
	client, err := kube.client(p.stores.site.Spec.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	t := &kubernetes.Target{
		Deployer:   &kubernetes.Deployer{Client: client, Force: p.force},
		Release:    kubernetes.Release{Health: p.app.Spec.Health, Dir: p.dir},
		Repository: p.stores.site.Spec.Registries.Push + "/" + p.app.Metadata.Name,
	}
	t.Release.App = p.app.Metadata.Name
	if c := p.app.Spec.Deploy.Container; c != nil {
		t.Release.Spec = *c
	}
	return t, nil
}

// cloudName is the cloud that is meant: a flag's, or the site's; "" is the one that the
// variables tell of.
func (p *platforms) cloudName(flag string) string {
	if flag != "" {
		return flag
	}
	return p.stores.site.Spec.OpenStack.Cloud
}

// machines is the application's place in a cloud.
func (p *platforms) machines(kind, cloud string) (deploy.Target, error) {
	cloud = p.cloudName(cloud)
	session, err := p.stores.session(cloud)
	if err != nil {
		return nil, err
	}
	name, to := p.app.Metadata.Name, p.app.Spec.Deploy
	if kind == deploy.VM {
		spec := app.VMDeploy{}
		if to.VM != nil {
			spec = *to.VM
		}
		return nova.New(session, cloud, name, spec, p.app.Spec.Health, p.dir), nil
	}
	spec := app.BaremetalDeploy{}
	if to.Baremetal != nil {
		spec = *to.Baremetal
	}
	return ironic.New(session, cloud, name, spec, p.app.Spec.Health, p.dir)
}

// session is with a cloud, and the same for all that is done there.
func (s *imageStores) session(cloud string) (*keystone.Session, error) {
	at, err := s.open(store.Ref{Scheme: store.Glance, Host: cloud})
	if err != nil {
		return nil, err
	}
	return at.(*glance.Store).Session, nil
}

// builder makes images of machines, with the stores of the site.
func (s *imageStores) builder(cloud string) (*machine.Builder, error) {
	if cloud == "" {
		cloud = s.site.Spec.OpenStack.Cloud
	}
	b := &machine.Builder{
		Cloud: cloud, Machine: s.site.Spec.OpenStack.Build, Archive: s.archive(), Open: s.open, StateDir: s.env.stateDir(),
		LookPath: exec.LookPath, Getenv: s.env.Getenv, Log: io.Discard, Now: time.Now,
	}
	if cloud == "" && s.env.Getenv("OS_CLOUD") == "" && s.env.Getenv("OS_AUTH_URL") == "" {
		return b, nil
	}
	var err error
	b.Session, err = s.session(cloud)
	return b, err
}

// readRevision finds out which revision is checked out.
func (p *platforms) readRevision(ctx context.Context) (err error) {
	var paths []string
	if c := p.app.Spec.Images.Container; c != nil {
		paths = append(paths, filepath.Join(p.dir, c.Context))
	}
	p.rev, err = source.Read(ctx, p.dir, paths...)
	return err
}

// sameInputs is the image in a cloud that a build would take instead of making one: of an
// earlier revision, and of the same inputs. Where that cannot be known there is none.
func (p *platforms) sameInputs(ctx context.Context, kind, cloud string) *store.Info {
	job, has := machine.Jobs(p.app, p.dir, p.rev)[kind]
	b, err := p.stores.builder(cloud)
	if err != nil || !has {
		return nil
	}
	b.Report = func(string, string) {}
	plan, err := b.Plan(ctx, job)
	if err != nil {
		return nil
	}
	defer plan.Close()
	if plan.Present == nil || plan.Present.Ref.Scheme != store.Glance {
		return nil
	}
	return plan.Present
}

// needs says what an application lacks to be deployed to a kind of target.
func needs(a *app.Application, kind string) error {
	to := a.Spec.Deploy
	has := map[string]bool{deploy.Container: to.Container != nil, deploy.VM: to.VM != nil, deploy.Baremetal: to.Baremetal != nil}
	if _, known := has[kind]; !known {
		return usagef("--target %q: container, vm or baremetal", kind)
	}
	if !has[kind] {
		where := map[string]string{deploy.Container: "Kubernetes", deploy.VM: "Nova", deploy.Baremetal: "Ironic"}[kind]
		return fmt.Errorf("%s: spec.deploy.%s is needed to deploy to %s", a.Path, kind, where)
	}
	return nil
}
