package app

// TenantSync says which projects of a Keystone become namespaces, and what its roles
// grant in them.
type TenantSync struct {
	APIVersion string         `json:"apiVersion" check:"required,api-version" doc:"Version of this format."`
	Kind       string         `json:"kind" check:"required,kind-tenantsync" doc:"What the document describes."`
	Metadata   Metadata       `json:"metadata" check:"required" doc:"Which cloud this is. What was made under one name is never touched under another."`
	Spec       TenantSyncSpec `json:"spec" check:"required" doc:"What becomes of projects and roles."`

	// Path is the file it was loaded from.
	Path string `json:"-"`
}

// TenantSyncSpec holds what becomes of projects and roles. All of it has defaults.
type TenantSyncSpec struct {
	Projects    ProjectSelector  `json:"projects,omitzero" doc:"Which projects have namespaces; all if left out."`
	Namespaces  TenantNamespaces `json:"namespaces,omitzero" doc:"What the namespaces are like."`
	Roles       []RoleMapping    `json:"roles,omitempty" doc:"What roles on a project grant in its namespace; if left out, admin and manager are admin, member is edit, reader is view."`
	SystemRoles []RoleMapping    `json:"systemRoles,omitempty" doc:"What roles on the system grant everywhere, by a ClusterRoleBinding; nothing if left out."`
	Identity    TenantIdentity   `json:"identity,omitzero" doc:"Who Keystone's users are to Kubernetes."`
	Caps        Caps             `json:"caps,omitzero" doc:"How much one run may take away (bindings removed, namespaces quarantined). If it would be more, it takes nothing away."`
}

// ProjectSelector chooses projects: those of the domains, with all of the tags, without
// the excluded ones. A name may have * and ? for any characters and any one.
type ProjectSelector struct {
	Domains []string `json:"domains,omitempty" each:"word" doc:"Names or ids of domains; all if empty."`
	Tags    []string `json:"tags,omitempty" each:"word" doc:"Tags that a project must have, all of them."`
	Exclude []string `json:"exclude,omitempty" each:"word" doc:"Names or ids of projects that get no namespace."`
}

// TenantNamespaces is what namespaces are like.
type TenantNamespaces struct {
	Name        string            `json:"name,omitempty" check:"namespace-name" default:"{{.Project}}" doc:"How new ones are called, of {{.Project}}, {{.ProjectID}} and {{.Domain}}. What does not fit is changed, and a hash is added where two would be the same. Namespaces that are there keep their names."`
	Labels      map[string]string `json:"labels,omitempty" keys:"tenant-key" each:"label-value" doc:"Labels of every namespace."`
	Annotations map[string]string `json:"annotations,omitempty" keys:"tenant-key" each:"text" doc:"Annotations of every namespace."`
	PodSecurity string            `json:"podSecurity,omitempty" check:"pod-security" default:"baseline" doc:"Pod Security Standard that is enforced."`
	PullSecrets []SecretRef       `json:"pullSecrets,omitempty" doc:"Secrets that are copied into every namespace, under their names, for pods to name in imagePullSecrets. Who may read Secrets there can read them."`
	Reserved    []string          `json:"reserved,omitempty" each:"word" doc:"Names, or patterns of them, that no new namespace gets, beside default and kube-*."`
	Adopt       []Adoption        `json:"adopt,omitempty" doc:"Namespaces that are there and become those of projects, as they are."`
}

// SecretRef is a Secret of the cluster's.
type SecretRef struct {
	Namespace string `json:"namespace" check:"required,dns-label" doc:"Namespace that it is in."`
	Name      string `json:"name" check:"required,dns-subdomain" doc:"Its name."`
}

// Adoption makes a namespace that somebody else has made that of a project. The UID says
// that it is this one, whatever is made by its name later.
type Adoption struct {
	Namespace string `json:"namespace" check:"required,dns-label" doc:"Name of the namespace."`
	UID       string `json:"uid" check:"required,word" doc:"Its metadata.uid."`
	ProjectID string `json:"projectID" check:"required,word" doc:"Id of the project in Keystone."`
}

// RoleMapping is what a role of Keystone's grants.
type RoleMapping struct {
	Role        string `json:"role" check:"required,word" doc:"Name of the role in Keystone."`
	ClusterRole string `json:"clusterRole" check:"required,cluster-role" doc:"ClusterRole that it grants there."`
}

// TenantIdentity is who Keystone's users are to Kubernetes: what auth-webhook says.
type TenantIdentity struct {
	Prefix   string `json:"prefix,omitempty" check:"prefix" default:"keystone:" doc:"What the names of users and groups start with; as auth-webhook --username-prefix."`
	Subjects string `json:"subjects,omitempty" check:"subjects" default:"groups" doc:"Whom bindings name: groups of a project and role, so that a token grants no more than its scope; or users, one by one, whatever a token is scoped to, for API servers whose webhook does not send these groups."`
}

// Caps are how much one run may take away: RoleBindings that go, namespaces that are
// quarantined.
type Caps struct {
	Removals *int32 `json:"removals,omitempty" check:"count" doc:"At most so many; 50 if left out."`
	Share    string `json:"share,omitempty" check:"percent" default:"10%" doc:"At most this share of those that are there. Five are never too many by this."`
}

// DefaultRemovals is how much a run may take away where nothing is said.
const DefaultRemovals = 50

// DefaultRoles are the mappings where nothing is said. Not every Keystone has all of
// these roles.
func DefaultRoles() []RoleMapping {
	return []RoleMapping{{"admin", "admin"}, {"manager", "admin"}, {"member", "edit"}, {"reader", "view"}}
}

func (s *TenantSyncSpec) setDefaults() {
	if len(s.Roles) == 0 {
		s.Roles = DefaultRoles()
	}
	if s.Caps.Removals == nil {
		removals := int32(DefaultRemovals)
		s.Caps.Removals = &removals
	}
}
