package pipeline

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/build/machine"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// Machine is the path of an application from its source to machines that run its
// image: servers of Nova or nodes of Ironic.
type Machine struct {
	Goal
	Job     machine.Job
	Builder *machine.Builder
	To      deploy.Target

	plan *machine.Plan
	done *machine.Result
}

func (m *Machine) place() deploy.Target { return m.To }

func (m *Machine) where() map[string]string { return map[string]string{"place": m.To.Place()} }

func (m *Machine) aim() Aim {
	a := Aim{
		Target: m.Job.Target, Place: m.To.Place(), Inputs: m.inputs,
		Key:   keyOf(m.App.Metadata.Name, m.Job.Target, m.Builder.Cloud, m.To.Place()),
		Steps: []string{"check", "resolve", "build", "publish", "archive", "deploy", verifyStep},
	}
	if m.plan != nil {
		a.Image = m.plan.To[0].String()
	}
	return a
}

func (m *Machine) close() {
	if m.plan != nil {
		m.plan.Close()
	}
}

// check has the target look at all but the image.
func (m *Machine) check(ctx context.Context, _ work) (result, error) {
	if _, err := m.To.Plan(ctx, m.release("")); err != nil {
		return result{}, err
	}
	return result{message: m.To.Place()}, nil
}

// builder tells the step what it does.
func (m *Machine) builder(w work) *machine.Builder {
	b := *m.Builder
	b.Log = w.log
	if b.Log == nil {
		b.Log = io.Discard
	}
	b.Report = func(step, message string) { w.progress(step + ": " + message) }
	told := time.Time{}
	b.Progress = func(p store.Progress) {
		if time.Since(told) > 2*time.Second && p.Total > 0 { // each line is kept
			told = time.Now()
			w.progress(fmt.Sprintf("%d%% copied to %s", p.Done*100/p.Total, p.To))
		}
	}
	return &b
}

func (m *Machine) resolve(ctx context.Context, w work) (result, error) {
	var err error
	if m.plan, err = m.builder(w).Plan(ctx, m.Job); err != nil {
		return result{}, err
	}
	m.inputs = m.plan.Inputs
	if p := m.plan.Present; p != nil {
		m.made = p.Properties[store.Revision]
	}
	return result{m.plan.Tool + " of " + m.plan.Base, map[string]string{"inputs": m.inputs, "base": m.plan.Base}}, nil
}

// found is the image that is in Glance already.
func (m *Machine) found(context.Context) (string, error) {
	if p := m.plan.Present; p != nil && p.Ref.Scheme == store.Glance {
		m.sha256 = p.Properties[store.SHA256]
		return m.named(*p), nil
	}
	return "", nil
}

// named is an image as deployments refer to it: by its id.
func (m *Machine) named(i store.Info) string { return "glance://" + m.Builder.Cloud + "/" + i.ID }

func (m *Machine) making() []step {
	return []step{{"build", m.build}, {"publish", m.publish}, {"archive", m.archive}}
}

// build makes the image unless there is one, in Glance and the archive at once: the
// builder knows in which order nothing is lost.
func (m *Machine) build(ctx context.Context, w work) (result, error) {
	if p := m.plan.Present; p != nil {
		return result{message: "nothing to build: these inputs made " + p.Ref.String()}, nil
	}
	w.progress("with " + m.plan.Tool)
	var err error
	if m.done, err = m.builder(w).Build(ctx, m.plan); err != nil {
		return result{}, err
	}
	return result{short(m.done.SHA256) + " with " + m.plan.Tool, map[string]string{"sha256": m.done.SHA256, "builder": m.plan.Tool}}, nil
}

// publish brings an image that was there already to the places that lack it.
func (m *Machine) publish(ctx context.Context, w work) (result, error) {
	if m.done == nil {
		var err error
		if m.done, err = m.builder(w).Build(ctx, m.plan); err != nil {
			return result{}, err
		}
	}
	for _, i := range m.done.Places {
		if i.Ref.Scheme == store.Glance {
			m.image, m.sha256 = m.named(i), m.done.SHA256
			return result{i.Ref.String() + " (" + i.ID + ")", map[string]string{"image": m.image, "sha256": m.sha256}}, nil
		}
	}
	return result{}, fmt.Errorf("the image is in no cloud to be deployed from; set spec.openstack.cloud of the Site file")
}

// archive says where else the image lies.
func (m *Machine) archive(context.Context, work) (result, error) {
	var kept []string
	for _, i := range m.done.Places {
		if i.Ref.Scheme != store.Glance {
			kept = append(kept, i.Ref.String())
		}
	}
	switch {
	case len(kept) > 0:
		return result{strings.Join(kept, ", "), map[string]string{"archive": strings.Join(kept, " ")}}, nil
	case len(m.Builder.Archive) == 0:
		return result{message: "the site has no archive"}, nil
	}
	return result{message: "kept under the revision that made it, " + m.done.Image.Properties[store.Revision]}, nil
}
