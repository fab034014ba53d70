// Package machine makes images of machines of an application's source: with Packer, which
// sets one up in the cloud and keeps its disk, or with diskimage-builder, on this machine.
package machine

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/source"
)

// The targets that images of machines are for.
const (
	VM        = "vm"
	Baremetal = "baremetal"
)

// Properties of an image that say how it was made; see also those of package store.
const (
	Inputs       = "ystack_inputs"   // hash of all that decides its content
	BuiltBy      = "ystack_builder"  // the tool and its version
	Base         = "ystack_base"     // what it was made of
	Remote       = "ystack_source"   // where the revision is from
	TemplateFrom = "ystack_template" // the commit of a source that is not the application's own
	Kernel       = "ystack_kernel"   // ids of the images beside it
	Ramdisk      = "ystack_ramdisk"
)

// Job is an image to make.
type Job struct {
	App      string
	Target   string
	Dir      string // of ystack.yaml
	Revision source.Revision
	Source   string   // REPOSITORY@REF, if template or elements are not the application's own
	Ignore   []string // patterns of files in Dir that do not matter
	Packer   *app.Packer
	Elements *app.DiskImageBuilder
}

// Jobs are those that an application has for a target.
func Jobs(a *app.Application, dir string, rev source.Revision) map[string]Job {
	jobs := map[string]Job{}
	j := Job{App: a.Metadata.Name, Dir: dir, Revision: rev}
	if vm := a.Spec.Images.VM; vm != nil {
		j := j
		j.Target, j.Source, j.Ignore, j.Packer, j.Elements = VM, vm.Source, vm.Ignore, vm.Packer, vm.DiskImageBuilder
		jobs[VM] = j
	}
	if metal := a.Spec.Images.Baremetal; metal != nil {
		j.Target, j.Source, j.Ignore, j.Elements = Baremetal, metal.Source, metal.Ignore, metal.DiskImageBuilder
		jobs[Baremetal] = j
	}
	return jobs
}

// identity is what the image is of, or with a part what lies beside it.
func (j Job) identity(part string) store.Identity {
	return store.Identity{App: j.App, Revision: j.Revision.String(), Target: j.Target + part}
}

// in is the image's name in a place. Images for VMs have the plain one; others of the
// same revision may stand beside them.
func (j Job) in(place store.Ref, part, format string) (store.Ref, error) {
	i := j.identity(part)
	if j.Target != VM {
		i.Revision += "-" + j.Target
	}
	i.Revision += part
	return i.In(place, format)
}

// Builder makes images.
type Builder struct {
	Cloud    string            // in clouds.yaml; empty where variables say which it is
	Session  *keystone.Session // with that cloud; nil if the site has none
	Machine  app.MachineBuild
	Archive  []store.Ref // the place that keeps images beside the cloud
	Open     func(store.Ref) (store.Store, error)
	StateDir string                       // notes of builds under way
	TempDir  string                       // large enough for an image; empty: the system's
	LookPath func(string) (string, error) // finds programs
	Getenv   func(string) string
	Report   func(step, message string)
	Progress func(store.Progress)
	Log      io.Writer // what the tools say
	Now      func() time.Time
}

// Plan is what a build would do.
type Plan struct {
	Job
	Inputs  string
	Tool    string // with its version
	Base    string // what the image is made of
	Name    string // in Glance
	Present *store.Info
	To      []store.Ref

	path     string // of the tool
	root     string // of the template or the elements
	template string // the commit of it, if it is not the application's
	cleanup  func()
	more     map[string]any // what decides the image's content beside files

	flavor, network string // ids
	base            store.Info
	declared        map[string]bool // variables of the template
}

// Close removes what the plan has fetched.
func (p *Plan) Close() {
	if p.cleanup != nil {
		p.cleanup()
	}
}

// Plan finds out what is there and what is to be done. All that can be wrong before a build
// is found here.
func (b *Builder) Plan(ctx context.Context, j Job) (*Plan, error) {
	p := &Plan{Job: j, root: j.Dir}
	if err := b.plan(ctx, p); err != nil {
		p.Close()
		return nil, fmt.Errorf("%s image of %s: %w", j.Target, j.App, err)
	}
	return p, nil
}

func (b *Builder) plan(ctx context.Context, p *Plan) error {
	if err := b.fetch(ctx, p); err != nil {
		return err
	}
	decide := b.planPacker
	if p.Packer == nil {
		decide = b.planElements
	}
	if err := decide(ctx, p); err != nil {
		return err
	}
	format := "qcow2"
	if p.Elements != nil {
		format = cmp.Or(p.Elements.Format, format)
	}
	places := b.Archive
	if b.Session != nil {
		places = append([]store.Ref{b.glance()}, places...)
	}
	for _, place := range places {
		to, err := p.in(place, "", format)
		if err != nil {
			return err
		}
		p.To = append(p.To, to)
		if place.Scheme == store.Glance {
			p.Name = to.Name
		}
	}
	if len(p.To) == 0 {
		return fmt.Errorf("there is no place for it: the Site file has neither spec.openstack.cloud nor spec.archive")
	}
	return b.findPresent(ctx, p)
}

func (b *Builder) glance() store.Ref { return store.Ref{Scheme: store.Glance, Host: b.Cloud} }

// findPresent looks for an image of the same inputs.
func (b *Builder) findPresent(ctx context.Context, p *Plan) error {
	for _, to := range p.To {
		s, err := b.Open(to)
		if err != nil {
			return err
		}
		place := to
		if to.Scheme != store.Glance {
			place = b.Archive[0]
		}
		list, err := s.List(ctx, place, p.App)
		if err != nil {
			return err
		}
		for _, i := range list {
			if i.State == store.Active && i.Properties[Inputs] == p.Inputs && i.Properties[store.Target] == p.Target && i.Properties[store.SHA256] != "" {
				p.Present = &i
				return nil
			}
		}
	}
	return nil
}

func (p *Plan) properties() map[string]string {
	all := p.identity("").Properties()
	for name, value := range map[string]string{
		Inputs: p.Inputs, BuiltBy: p.Tool, Base: p.Base, Remote: p.Revision.Remote, TemplateFrom: p.template,
	} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// file is a path of ystack.yaml.
func (p *Plan) file(path string) string { return filepath.Join(p.root, filepath.FromSlash(path)) }
