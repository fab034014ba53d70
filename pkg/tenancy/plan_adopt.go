package tenancy

import (
	"fmt"

	"github.com/ystackdev/ystack/pkg/app"
)

// adoptions are those that the config asks for, by project id. One of a project that is
// not there is no mistake: it may have gone since.
func (p *planner) adoptions() map[string]app.Adoption {
	all := map[string]app.Adoption{}
	for _, a := range p.config.Spec.Namespaces.Adopt {
		all[a.ProjectID] = a
	}
	return all
}

// adopt makes a namespace that is there a tenant's. It must be the very one that was
// meant, and nobody's.
func (p *planner) adopt(t tenant, a app.Adoption) {
	is := p.byName[a.Namespace]
	why := ""
	switch maker := is.Metadata.Labels[labelInstance]; {
	case is.Kind == "":
		why = "there is none of this name"
	case is.Metadata.UID != a.UID:
		why = "its UID is " + is.Metadata.UID + ", so it is another one than spec.namespaces.adopt means"
	case is.Metadata.DeletionTimestamp != "":
		why = "it is being deleted"
	case kubernetesOwn(a.Namespace):
		why = "it is Kubernetes' own"
	case is.isOurs(maker):
		why = "it is that of project " + is.project() + " already"
	}
	if why != "" {
		p.conflict("namespace %s cannot be adopted for project %s: %s", a.Namespace, quoted(t.project.Name), why)
		return
	}
	p.places[t.project.ID] = a.Namespace
	p.change(Update, guarded(t.wanted(p.config, a.Namespace), is), fmt.Sprintf("adopted for project %s (%s)", quoted(t.project.Name), quoted(t.domain)))
}
