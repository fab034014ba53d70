package bgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Plan is what a request comes to. Nothing has been changed yet.
type Plan struct {
	Peers    []PlannedPeer // that are not there yet
	Marks    []Mark        // annotations of Services
	Changes  []Change      // of the lists in the BGPConfiguration
	Findings []Finding     // what to know before

	version       string // of Calico's API
	services      []string
	config        config
	after         Record
	facts         *Facts
	add, withdraw Record // ranges
}

// Mark is a change of the annotation of a Service.
type Mark struct {
	Service string `json:"service"`
	Before  string `json:"before"`
	After   string `json:"after"`

	uid, version string
}

// Empty reports whether all is as it should be.
func (p *Plan) Empty() bool { return len(p.Peers) == 0 && len(p.Marks) == 0 && len(p.Changes) == 0 }

// Config is the name of the object whose lists change.
func (p *Plan) Config() string { return "bgpconfiguration." + p.version + "/" + configName }

// Advertise plans to advertise what the request says, on top of what is meant already.
func (c *Cluster) Advertise(ctx context.Context, r Request) (*Plan, error) {
	return c.plan(ctx, r, func(p *Plan, services []*Service) error {
		for _, s := range services {
			for _, l := range r.lists() {
				if err := s.advertisable(l); err != nil {
					return err
				}
			}
			if err := p.mark(s, func(i Intent) Intent { return union(i, r.lists()) }); err != nil {
				return err
			}
		}
		var err error
		p.add, err = r.ranges(p.facts)
		return err
	})
}

// Withdraw plans the opposite. A Service that is gone may still be announced.
func (c *Cluster) Withdraw(ctx context.Context, r Request) (*Plan, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	r.dropGone(f)
	return c.planFrom(ctx, f, r, func(p *Plan, services []*Service) error {
		if r.All {
			services = nil
			for i := range f.Services {
				if f.Services[i].Metadata.Annotations[Annotation] != "" {
					services = append(services, &f.Services[i])
				}
			}
		}
		for _, s := range services {
			if err := p.mark(s, func(Intent) Intent { return nil }); err != nil {
				return err
			}
		}
		if r.All || r.Known {
			p.withdraw = f.Record.ranges()
			return nil
		}
		var err error
		p.withdraw, err = r.ranges(f)
		return err
	})
}

// dropGone takes the names of Services that no longer exist, and whose entries
// are still there, out of the request: these entries go by themselves, since
// nobody wants them.
func (r *Request) dropGone(f *Facts) {
	exists := map[string]bool{}
	for i := range f.Services {
		exists[f.Services[i].Ref()] = true
	}
	recorded := map[string]bool{}
	for _, entries := range f.Record {
		for _, origin := range entries {
			recorded[origin] = true
		}
	}
	r.Names = slices.DeleteFunc(slices.Clone(r.Names), func(name string) bool {
		ref := r.Namespace + "/" + name
		return !exists[ref] && recorded[ref]
	})
}

// Follow plans what brings the lists to what is meant, without a change of it.
func (c *Cluster) Follow(ctx context.Context) (*Plan, error) {
	return c.plan(ctx, Request{}, func(*Plan, []*Service) error { return nil })
}

func (c *Cluster) plan(ctx context.Context, r Request, change func(*Plan, []*Service) error) (*Plan, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	return c.planFrom(ctx, f, r, change)
}

func (c *Cluster) planFrom(ctx context.Context, f *Facts, r Request, change func(*Plan, []*Service) error) (*Plan, error) {
	selected, err := c.selected(ctx, &r)
	if err != nil {
		return nil, err
	}
	services, err := r.pick(f, selected)
	if err != nil {
		return nil, err
	}
	p := &Plan{facts: f, version: c.version.Group}
	for _, s := range services {
		p.services = append(p.services, s.Ref())
	}
	if err := change(p, services); err != nil {
		return nil, err
	}
	if p.config, err = c.readConfig(ctx); err != nil {
		return nil, err
	}
	wanted, problems, err := p.compute(f.Services)
	if err != nil {
		return nil, err
	}
	if p.Peers, err = c.planPeers(ctx, r.Peers, f); err != nil {
		return nil, err
	}
	for _, peer := range p.Peers {
		f.Peers = append(f.Peers, peer.peer())
	}
	if len(wanted[ClusterIPs])+len(wanted[ExternalIPs])+len(wanted[LoadBalancerIPs]) > 0 {
		if err := f.refuse(wanted); err != nil {
			return nil, err
		}
		p.Findings = f.check(wanted)
	}
	for _, problem := range problems {
		p.Findings = append(p.Findings, warn("%v", problem))
	}
	return p, nil
}

// compute fills in the changes from the configuration that the plan holds and
// these Services, with the annotations that they are going to have.
func (p *Plan) compute(services []Service) (Record, []error, error) {
	own, err := p.config.record()
	if err != nil {
		return nil, nil, err
	}
	wanted, problems := want(p.marked(services), p.rangesAfter(own))
	p.Changes, p.after = plan(p.config.all(), own, wanted)
	return wanted, problems, nil
}

func (p *Plan) rangesAfter(own Record) Record {
	ranges := own.ranges()
	for l, entries := range p.add {
		for entry := range entries {
			ranges.add(l, entry, rangeOrigin)
		}
	}
	for l, entries := range p.withdraw {
		for entry := range entries {
			delete(ranges[l], entry)
		}
	}
	return ranges
}

// marked are the Services as they are going to be annotated.
func (p *Plan) marked(services []Service) []Service {
	if len(p.Marks) == 0 {
		return services
	}
	after := map[string]Mark{}
	for _, m := range p.Marks {
		after[m.uid] = m
	}
	out := slices.Clone(services)
	for i := range out {
		if m, ok := after[out[i].Metadata.UID]; ok {
			annotations := maps.Clone(out[i].Metadata.Annotations)
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[Annotation] = m.After
			out[i].Metadata.Annotations = annotations
		}
	}
	return out
}

// mark notes a change of what is meant for a Service.
func (p *Plan) mark(s *Service, change func(Intent) Intent) error {
	intent, err := s.intent()
	after := change(intent)
	if err != nil && after != nil {
		return err
	}
	m := Mark{s.Ref(), s.Metadata.Annotations[Annotation], "", s.Metadata.UID, s.Metadata.ResourceVersion}
	if len(after) > 0 {
		m.After = after.String()
	}
	if m.Before != m.After {
		p.Marks = append(p.Marks, m)
	}
	return nil
}

func union(a Intent, b []List) Intent {
	out := slices.Clone(a)
	for _, l := range b {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// Try lets the server say whether it would take all of it, changing nothing.
func (c *Cluster) Try(ctx context.Context, p *Plan) error {
	for _, peer := range p.Peers {
		if err := c.createPeer(ctx, peer.object, p.after, true); err != nil {
			return err
		}
	}
	for _, m := range p.Marks {
		if err := c.annotate(ctx, m, true); err != nil {
			return err
		}
	}
	if len(p.Changes) == 0 && p.after.String() == p.config.object.GetAnnotations()[RecordAnnotation] {
		return nil
	}
	predicted, err := c.writeConfig(ctx, p.config.with(p.Changes, p.after), true)
	if apierrors.IsConflict(err) {
		return nil // somebody was faster; Apply begins anew
	}
	if err != nil {
		return c.client.Explain(err)
	}
	if !predicted.kept(p.Changes) {
		return &failure{ErrOldCalico, fmt.Sprintf("the cluster's definition of BGPConfiguration does not know %s and would drop it: "+
			"Calico's CRDs are too old; upgrade Calico, with its CRDs", p.Changes[0].List)}
	}
	return nil
}

// Apply changes the cluster: first the peers, which must speak with the nodes
// within wait, or nothing is changed; then what is meant, then what is announced.
func (c *Cluster) Apply(ctx context.Context, p *Plan, wait time.Duration) error {
	if err := c.Try(ctx, p); err != nil {
		return err
	}
	for _, peer := range p.Peers {
		if err := c.addPeer(ctx, peer, p, wait); err != nil {
			return err
		}
	}
	for _, m := range p.Marks {
		if err := c.annotate(ctx, m, false); err != nil {
			return err
		}
	}
	return c.settle(ctx, p)
}

// settleAttempts bound how often somebody else may be faster.
const settleAttempts = 20

// settle writes the lists. Each attempt reads all anew, the configuration
// before the Services: so nothing is taken for unwanted that another run has
// just added.
func (c *Cluster) settle(ctx context.Context, p *Plan) error {
	for attempt := 1; ; attempt++ {
		err := c.settleOnce(ctx, p)
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return c.client.Explain(err)
		}
		if attempt == settleAttempts {
			return fmt.Errorf("BGPConfiguration %q is being changed all the time by somebody else, who won %d times; the same command again goes on: %w",
				configName, attempt, c.client.Explain(err))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(rand.IntN(50*attempt)) * time.Millisecond):
		}
	}
}

func (c *Cluster) settleOnce(ctx context.Context, p *Plan) error {
	var err error
	if p.config, err = c.readConfig(ctx); err != nil {
		return err
	}
	services, err := list[Service](ctx, c.client, servicesPath(""), "")
	if err != nil {
		return err
	}
	// The marks are on the Services by now; one re-created meanwhile has none.
	own, err := p.config.record()
	if err != nil {
		return err
	}
	wanted, _ := want(services, p.rangesAfter(own))
	p.Changes, p.after = plan(p.config.all(), own, wanted)
	if err := c.ensureFilter(ctx, p.after, false, false); err != nil && !errors.Is(err, kube.ErrNotFound) {
		return err
	}
	if len(p.Changes) == 0 && p.after.String() == p.config.object.GetAnnotations()[RecordAnnotation] {
		return nil
	}
	_, err = c.writeConfig(ctx, p.config.with(p.Changes, p.after), false)
	return err
}

// annotate writes what is meant for a Service, if it is still the one that was read.
func (c *Cluster) annotate(ctx context.Context, m Mark, dry bool) error {
	var value any
	if m.After != "" {
		value = m.After
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": m.uid, "annotations": map[string]any{Annotation: value},
	}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: manager}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	namespace, name, _ := strings.Cut(m.Service, "/")
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	_, err = c.client.Dynamic.Resource(services).Namespace(namespace).Patch(ctx, name, types.MergePatchType, patch, options)
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "metadata.uid") {
		return &failure{kube.ErrConflict, fmt.Sprintf("service %s has been replaced by another one meanwhile; run the command again", m.Service)}
	}
	return c.client.Explain(err)
}

// Services are those that the plan is about.
func (p *Plan) Services() []string { return p.services }

// PlanPeers plans peers alone.
func (c *Cluster) PlanPeers(ctx context.Context, peers ...NewPeer) (*Plan, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{facts: f, version: c.version.Group, after: f.Record}
	if p.config, err = c.readConfig(ctx); err != nil {
		return nil, err
	}
	p.Peers, err = c.planPeers(ctx, peers, f)
	return p, err
}
