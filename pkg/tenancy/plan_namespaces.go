package tenancy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ystackdev/ystack/pkg/app"
)

// namespaces plans them, and finds each tenant's place.
func (p *planner) namespaces() {
	adoptions := p.adoptions()
	var newcomers []newcomer
	for _, id := range slices.Sorted(maps.Keys(p.tenants)) {
		t := p.tenants[id]
		home, there := p.homes[id]
		switch {
		case there && p.skipped[home.Metadata.Name] != "":
		case there:
			p.keep(t, home)
		case p.others[id].Kind != "":
			p.conflict("project %s has namespace %s of the TenantSync %s: one of the two must not choose it", quoted(t.project.Name),
				p.others[id].Metadata.Name, p.others[id].Metadata.Labels[labelInstance])
		case adoptions[id].UID != "":
			p.adopt(t, adoptions[id])
		case len(validation.IsValidLabelValue(id)) > 0:
			p.conflict("project %s has the id %s, which no label can hold", quoted(t.project.Name), quoted(id))
		case p.snapshot.off(t.project) == "": // one that is off has nobody who could use it
			newcomers = append(newcomers, newcomer{id, nameWanted(p.config, t)})
		}
	}
	names := nameAll(newcomers, p.taken, p.reserved)
	for _, n := range newcomers {
		p.found(p.tenants[n.id], names[n.id])
	}
	for _, id := range slices.Sorted(maps.Keys(p.homes)) {
		if _, wanted := p.tenants[id]; !wanted && p.skipped[p.homes[id].Metadata.Name] == "" {
			p.leave(id, p.homes[id])
		}
	}
}

// reserved are names that no new namespace gets.
func (p *planner) reserved(name string) bool {
	return kubernetesOwn(name) || anyMatches(globs(p.config.Spec.Namespaces.Reserved), name)
}

func nameWanted(config *app.TenantSync, t tenant) string {
	return strings.NewReplacer("{{.Project}}", t.project.Name, "{{.ProjectID}}", t.project.ID, "{{.Domain}}", t.domain).
		Replace(config.Spec.Namespaces.Name)
}

// keep brings a namespace that is there to what it should be.
func (p *planner) keep(t tenant, home Object) {
	name := home.Metadata.Name
	if home.Metadata.DeletionTimestamp != "" {
		p.skipped[name] = t.project.ID
		p.conflict("namespace %s of project %s is being deleted: when it is gone, the next run makes it anew", name, quoted(t.project.Name))
		return
	}
	p.places[t.project.ID] = name
	wanted := t.wanted(p.config, name)
	if different := home.differences(wanted); len(different) > 0 {
		p.change(Update, guarded(wanted, home), strings.Join(different, ", "))
	}
}

// guarded is what is wanted, of exactly the object that was seen.
func guarded(wanted, live Object) Object {
	wanted.Metadata.UID, wanted.Metadata.ResourceVersion = live.Metadata.UID, live.Metadata.ResourceVersion
	return wanted
}

// found makes a namespace.
func (p *planner) found(t tenant, name string) {
	if name == "" {
		p.conflict("project %s (%s): every name that its namespace could have is taken", quoted(t.project.Name), t.project.ID)
		return
	}
	p.places[t.project.ID] = name
	p.change(Create, t.wanted(p.config, name), fmt.Sprintf("for project %s (%s)", quoted(t.project.Name), quoted(t.domain)))
}

// leave is what becomes of the namespace of a project that is gone, or not chosen.
func (p *planner) leave(id string, home Object) {
	why := "project " + quoted(home.Metadata.Annotations[annotationProject]) + " is gone from Keystone"
	if project, known := p.snapshot.Projects[id]; known {
		why = "project " + quoted(project.Name) + " is not chosen by the TenantSync any more"
	}
	p.left[home.Metadata.Name] = why
	since, quarantined := home.Metadata.Labels[labelQuarantined]
	switch when, err := time.Parse(quarantineTime, since); {
	case home.Metadata.DeletionTimestamp != "":
	case !quarantined:
		p.change(Quarantine, p.quarantined(id, home), "quarantined, since "+why)
	case err != nil:
		p.conflict("namespace %s: the label %s is %s, which is no time", home.Metadata.Name, labelQuarantined, quoted(since))
	case p.options.DeleteOlderThan != nil && p.now.Sub(when) >= *p.options.DeleteOlderThan:
		p.change(Delete, home.bare(), "with all that is in it; quarantined since "+since+", and "+why)
	}
}

// quarantineTime is what may stand in a label.
const quarantineTime = "20060102T150405Z"

// quarantined is the namespace as it is, with a label more, whose value comes when it is
// set.
func (p *planner) quarantined(id string, home Object) Object {
	about := map[string]string{}
	for _, k := range []string{annotationProject, annotationDomain, annotationDomainID} {
		about[k] = home.Metadata.Annotations[k]
	}
	o := namespaceOf(p.config, home.Metadata.Name, id, about)
	o.Metadata.Labels[labelQuarantined] = ""
	return guarded(o, home)
}

// bare is an object by name and guards only.
func (o Object) bare() Object {
	m := o.Metadata
	return Object{Kind: o.Kind, Metadata: Metadata{Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion}}
}
