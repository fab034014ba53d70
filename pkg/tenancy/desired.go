package tenancy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
)

// tenant is a project that has, or gets, a namespace.
type tenant struct {
	project Project
	domain  string
	// roles are those that grant something, with the reason.
	roles []tenantRole
}

type tenantRole struct {
	role     Role
	mapping  app.RoleMapping
	because  string
	subjects []Subject
}

// tenants are the projects that the config chooses, by id.
func tenants(config *app.TenantSync, s *Snapshot, access *Access) (map[string]tenant, error) {
	chosen, err := choose(config.Spec.Projects, s)
	if err != nil {
		return nil, located(config, err)
	}
	all := make(map[string]tenant, len(chosen))
	for _, p := range chosen {
		t := tenant{project: p, domain: s.domainName(p.DomainID)}
		if s.off(p) == "" {
			t.roles = grantingRoles(config, s, access, Scope{ProjectID: p.ID}, config.Spec.Roles)
		}
		all[p.ID] = t
	}
	return all, nil
}

func located(config *app.TenantSync, err error) error {
	if config.Path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", config.Path, err)
}

// off says why nobody gets a token for a project, or "" if people do.
func (s *Snapshot) off(p Project) string {
	switch {
	case !p.Enabled:
		return "the project is disabled"
	case !s.Domains[p.DomainID].Enabled:
		return "the project's domain is disabled"
	}
	return ""
}

// whyOn are the roles that somebody has in a scope, as [Access.RolesOn] lists them, each
// with its shortest reason. No user is named.
func (a *Access) whyOn(scope Scope) []Grant {
	var grants []Grant
	for _, i := range a.applying(scope) {
		given := a.s.Assignments[i]
		for _, way := range a.reachable[given.RoleID] {
			grants = append(grants, Grant{Scope: scope, RoleID: way[len(way)-1], Because: because(given, way)})
		}
	}
	slices.SortStableFunc(grants, compareGrants)
	return slices.CompactFunc(grants, func(a, b Grant) bool { return a.RoleID == b.RoleID })
}

// grantingRoles are those of the roles that somebody has in a scope and that are mapped to
// something, in the order of the mappings.
func grantingRoles(config *app.TenantSync, s *Snapshot, access *Access, scope Scope, mappings []app.RoleMapping) []tenantRole {
	var all []tenantRole
	grants, users := access.whyOn(scope), s.usersByRole(config, access, scope)
	for _, m := range mappings {
		for _, g := range grants {
			role := s.Roles[g.RoleID]
			if role.Name != m.Role || role.DomainID != "" {
				continue
			}
			subjects := []Subject{{Kind: "Group", APIGroup: rbacGroup, Name: groupPrefix(config) + scope.group() + ":role:" + role.Name}}
			if namesUsers(config) {
				subjects = users[role.ID]
			}
			if len(subjects) > 0 {
				all = append(all, tenantRole{role, m, s.reason(g), subjects})
			}
		}
	}
	return all
}

// group is how the names of a scope's groups begin, after the prefix; see
// [keystone.Token.Identity].
func (s Scope) group() string {
	if s.System {
		return "system"
	}
	return "project:" + s.ProjectID
}

// reason is how a grant comes about, without what it is.
func (s *Snapshot) reason(g Grant) string {
	_, because, _ := strings.Cut(s.Explain(g), ": ")
	user, known := s.Users[g.Because.Assignment.UserID]
	switch {
	case !known:
		return because
	case because == "assigned":
		return "assigned to " + quoted(user.Name)
	}
	return quoted(user.Name) + "'s " + because
}

// wanted is what the tenant's namespace should be.
func (t tenant) wanted(config *app.TenantSync, name string) Object {
	return namespaceOf(config, name, t.project.ID, map[string]string{
		annotationProject: t.project.Name, annotationDomain: t.domain, annotationDomainID: t.project.DomainID,
	})
}

func namespaceOf(config *app.TenantSync, name, project string, about map[string]string) Object {
	spec := config.Spec.Namespaces
	labels := ours(config.Metadata.Name)
	labels[labelProject], labels[labelPodSecurity] = project, spec.PodSecurity
	annotations := map[string]string{}
	for k, v := range spec.Labels {
		labels[k] = v
	}
	for _, some := range []map[string]string{spec.Annotations, about} {
		for k, v := range some {
			annotations[k] = v
		}
	}
	if names := secretNames(config); names != "" {
		annotations[annotationSecrets] = names
	}
	annotations[annotationApplied] = hashOf(labels, annotations)
	return Object{Kind: "Namespace", Metadata: Metadata{Name: name, Labels: labels, Annotations: annotations}}
}

func secretNames(config *app.TenantSync) string {
	var names []string
	for _, ref := range config.Spec.Namespaces.PullSecrets {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func hashOf(v ...any) string {
	data, err := json.Marshal(v) // of maps, sorted by key
	if err != nil {
		panic("tenancy: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// bindings are the tenant's in his namespace: one for each role and ClusterRole.
func (t tenant) bindings(config *app.TenantSync, namespace string) map[string]binding {
	all := map[string]binding{}
	for _, r := range t.roles {
		o := bindingOf(config, namespace, t.project.ID, r)
		why := fmt.Sprintf("%s on %s → %s, because %s", quoted(r.role.Name), quoted(t.project.Name), r.mapping.ClusterRole, r.because)
		all[o.Metadata.Name] = binding{o, why}
	}
	return all
}

type binding struct {
	Object
	reason string
}

func bindingOf(config *app.TenantSync, namespace, project string, r tenantRole) Object {
	labels := ours(config.Metadata.Name)
	labels[labelProject] = project
	return Object{
		Kind:     "RoleBinding",
		Metadata: Metadata{Namespace: namespace, Name: bindingName(r.role, r.mapping.ClusterRole), Labels: labels},
		RoleRef:  &RoleRef{rbacGroup, "ClusterRole", r.mapping.ClusterRole},
		Subjects: r.subjects,
	}
}

// systemBindings are those of roles on the system. Their names are the cluster's own, so
// they have the TenantSync's in them.
func systemBindings(config *app.TenantSync, s *Snapshot, access *Access) map[string]binding {
	all := map[string]binding{}
	for _, r := range grantingRoles(config, s, access, Scope{System: true}, config.Spec.SystemRoles) {
		o := Object{
			Kind:     "ClusterRoleBinding",
			Metadata: Metadata{Name: bindingName(r.role, config.Metadata.Name+":"+r.mapping.ClusterRole), Labels: ours(config.Metadata.Name)},
			RoleRef:  &RoleRef{rbacGroup, "ClusterRole", r.mapping.ClusterRole},
			Subjects: r.subjects,
		}
		all[o.Metadata.Name] = binding{o, fmt.Sprintf("%s on the system → %s, because %s", quoted(r.role.Name), r.mapping.ClusterRole, r.because)}
	}
	return all
}

// bindingPrefix starts the names of our bindings.
const bindingPrefix = "ystack:"

// bindingName has the ClusterRole in it, since a binding's role cannot be changed, and
// the role by id if its name could not be part of a path.
func bindingName(role Role, clusterRole string) string {
	name := role.Name
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	}
	if strings.ContainsFunc(name, odd) {
		name = "id=" + role.ID
	}
	return bindingPrefix + clusterRole + ":" + name
}
