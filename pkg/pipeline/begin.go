package pipeline

import (
	"context"
	"errors"
	"strings"
	"time"
)

// todo are the lanes that have something left to do.
func (f *flow) todo() []*lane {
	var list []*lane
	for _, l := range f.lanes {
		if l.err == nil && !l.upToDate {
			list = append(list, l)
		}
	}
	return list
}

func (f *flow) err() error {
	var all []error
	for _, l := range f.lanes {
		all = append(all, l.err)
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// unfinished is an interrupted run that was about what is now to be done, if there is one.
func (f *flow) unfinished() *Run {
	for _, l := range f.lanes {
		p := l.goal().prior
		if p == nil || p.State != Interrupted {
			continue
		}
		if l.goal().earlier(l.target) && f.covers(p) {
			return p
		}
	}
	return nil
}

// covers tells whether the run p is over when this one is, and was about no less.
func (f *flow) covers(p *Run) bool {
	mine := map[string]bool{}
	for _, l := range f.lanes {
		g := l.goal()
		mine[l.target] = l.upToDate || g.prior != nil && g.prior.ID == p.ID && g.earlier(l.target)
		if !mine[l.target] {
			return false
		}
	}
	for _, a := range p.Aims() {
		if !mine[a.Target] && p.TargetState(a.Target) != Succeeded {
			return false
		}
	}
	return true
}

// begin opens the record: that of the interrupted run, or a new one.
func (f *flow) begin(ctx context.Context, j *journal) error {
	if p := f.unfinished(); p != nil {
		return j.open(ctx, f.o.Store, p.ID, Event{Type: RunResumed})
	}
	g := f.lanes[0].goal()
	name := g.App.Metadata.Name
	s := &Subject{
		App: name, Revision: g.Revision.String(), Shallow: g.Revision.Shallow,
		Source: g.Revision.Remote, Dir: g.Dir, By: g.By,
	}
	var kinds []string
	for _, l := range f.lanes {
		if l.err != nil || !l.upToDate {
			kinds = append(kinds, l.target)
			s.Targets = append(s.Targets, l.Target.aim())
		}
	}
	s.Target = strings.Join(kinds, ",")
	s.Inputs, s.Key = s.Targets[0].Inputs, s.Targets[0].Key
	for _, l := range f.lanes {
		if c, ok := l.Target.(*Container); ok && !l.upToDate {
			s.Image, s.Cluster, s.Namespace = c.tagged(), c.Cluster.Client.Server, c.namespace()
			s.Inputs, s.Key = c.inputs, l.Target.aim().Key
		}
	}
	return j.open(ctx, f.o.Store, newID(name, time.Now()), Event{Type: RunStarted, Subject: s})
}
