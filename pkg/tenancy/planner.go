package tenancy

import (
	"fmt"
	"slices"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// planner gathers changes by phase.
type planner struct {
	config   *app.TenantSync
	snapshot *Snapshot
	access   *Access
	tenants  map[string]tenant // by project id
	now      time.Time
	options  PlanOptions

	homes    map[string]Object            // our namespaces by project id
	others   map[string]Object            // those of other TenantSyncs
	live     map[string]map[string]Object // our bindings by namespace and name
	strays   map[string]map[string]Object // those with names like ours, and without our labels
	byName   map[string]Object            // all namespaces
	taken    map[string]bool              // their names
	places   map[string]string            // project id → namespace; those in conflict have none
	left     map[string]string            // namespace → why its project has none any more
	skipped  map[string]string            // namespaces where nothing is made, with their project ids
	existing int                          // of what could be removed

	file        *PolicyFile // nil if none is written
	wantedUnits map[unit]lines
	fileUnits   map[unit][]abac.Rule

	changes   map[Action][]Change
	conflicts []string
}

// sort finds what is ours among what is there.
func (p *planner) sort(c *Cluster) {
	p.homes, p.others, p.byName, p.taken = map[string]Object{}, map[string]Object{}, map[string]Object{}, map[string]bool{}
	p.places, p.left, p.skipped, p.changes = map[string]string{}, map[string]string{}, map[string]string{}, map[Action][]Change{}
	p.sortNamespaces(c.Namespaces)
	p.live, p.strays = map[string]map[string]Object{}, map[string]map[string]Object{}
	for _, o := range c.Bindings {
		of := p.live
		switch maker := o.Metadata.Labels[labelInstance]; {
		case o.isOurs(p.config.Metadata.Name):
		case o.isOurs(maker): // another TenantSync's
			continue
		default:
			of = p.strays
		}
		in := o.Metadata.Namespace
		if of[in] == nil {
			of[in] = map[string]Object{}
		}
		of[in][o.Metadata.Name] = o
	}
	for place, some := range p.live {
		p.existing += min(len(some), p.mostIn(place))
	}
}

func (p *planner) sortNamespaces(all []Object) {
	for _, o := range all {
		p.taken[o.Metadata.Name], p.byName[o.Metadata.Name] = true, o
		maker := o.Metadata.Labels[labelInstance]
		if !o.isOurs(maker) || o.project() == "" {
			continue
		}
		if maker != p.config.Metadata.Name {
			if o.Metadata.DeletionTimestamp == "" {
				p.others[o.project()] = o
			}
			continue
		}
		p.existing++
		first, twice := p.homes[o.project()]
		if twice {
			p.conflict("namespaces %s and %s both say that they are of project %s: take the label %s off the one that is not",
				first.Metadata.Name, o.Metadata.Name, p.snapshot.ScopeName(Scope{ProjectID: o.project()}), labelProject)
			p.skipped[first.Metadata.Name], p.skipped[o.Metadata.Name] = o.project(), o.project()
			continue
		}
		p.homes[o.project()] = o
	}
}

// mostIn is how many bindings of ours there may be in a namespace. Those beyond were made
// by somebody who may write bindings there: they go, and do not count, or he could trip
// the caps for everybody.
func (p *planner) mostIn(place string) int {
	if place == "" { // everywhere, where tenants write nothing
		return len(p.live[place])
	}
	return max(1, len(p.config.Spec.Roles)+len(p.config.Spec.Namespaces.PullSecrets))
}

// weigh counts removals as the caps do.
func (p *planner) weigh(removals []Change) int {
	sum, in := 0, map[string]int{}
	for _, c := range removals {
		if c.Object.Kind == "Namespace" || c.Object.Kind == kindPolicy {
			sum++
			continue
		}
		if in[c.Object.Metadata.Namespace]++; in[c.Object.Metadata.Namespace] <= p.mostIn(c.Object.Metadata.Namespace) {
			sum++
		}
	}
	return sum
}

func (p *planner) conflict(format string, args ...any) {
	p.conflicts = append(p.conflicts, fmt.Sprintf(format, args...))
}

// checkCloud refuses a Keystone that knows none of the projects which have namespaces:
// it is another cloud's, or was made anew.
func (p *planner) checkCloud() error {
	for id := range p.homes {
		if _, known := p.snapshot.Projects[id]; known {
			return nil
		}
	}
	if len(p.homes) == 0 {
		return nil
	}
	return &kindError{ErrRefused, fmt.Sprintf("Keystone knows none of the %d projects that have namespaces by the name of %s here: "+
		"is this another cloud, or another cluster? If it is right, give the TenantSync another metadata.name",
		len(p.homes), p.config.Metadata.Name)}
}

func (p *planner) change(a Action, o Object, reason string) {
	p.changes[a] = append(p.changes[a], Change{a, o, reason})
}

// plan puts the changes in order: what is taken away before what is given, namespaces
// before what is in them. Only where one ClusterRole follows another the new one comes
// first, or those who keep access would lose it for a moment.
func (p *planner) plan() *Plan {
	slices.Sort(p.conflicts)
	plan := &Plan{Config: *p.config, Options: p.options, Changes: []Change{}, Conflicts: p.conflicts, Namespaces: len(p.places)}
	removals := slices.Concat(p.changes[Revoke], p.changes[Replace], p.changes[Quarantine])
	if plan.Caps = tripped(p.config.Spec.Caps, p.weigh(removals), p.existing); plan.Caps != "" {
		plan.Held = slices.Concat(removals, p.changes[Delete])
		sortChanges(plan.Held)
		p.changes[Revoke], p.changes[Replace], p.changes[Quarantine], p.changes[Delete] = nil, nil, nil, nil
		p.changes[Create] = slices.DeleteFunc(p.changes[Create], func(c Change) bool { return occupied(plan.Held, c.Object) })
	}
	if p.file != nil {
		plan.policy = &policy{p.file.Path, policyComment(p.config), p.policyRules(plan.Held)}
	}
	for _, some := range p.changes {
		plan.Changes = append(plan.Changes, some...)
	}
	sortChanges(plan.Changes)
	return plan
}

// occupied tells whether an object's name is still that of one which is to go.
func occupied(held []Change, o Object) bool {
	_, found := slices.BinarySearchFunc(held, Change{Revoke, o, ""}, compareChanges)
	return found
}
