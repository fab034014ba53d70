package tenancy

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Labels and annotations that say what is ours, and of which project.
const (
	labelManagedBy   = "app.kubernetes.io/managed-by"
	labelComponent   = "app.kubernetes.io/component"
	labelInstance    = "app.kubernetes.io/instance" // the name of the TenantSync
	labelProject     = "ystack.dev/project-id"
	labelQuarantined = "ystack.dev/quarantined"
	labelPodSecurity = "pod-security.kubernetes.io/enforce"

	annotationProject  = "ystack.dev/project"
	annotationDomain   = "ystack.dev/domain"
	annotationDomainID = "ystack.dev/domain-id"
	// annotationApplied is a hash of the labels and annotations that we set: it tells
	// that one is not wanted any more.
	annotationApplied = "ystack.dev/applied"

	manager   = "ystack"
	component = "tenant-sync"
	rbacGroup = "rbac.authorization.k8s.io"
)

// Object is a Namespace or a RoleBinding: as much as we set of it, and what guards it.
type Object struct {
	Kind     string    `json:"kind"`
	Metadata Metadata  `json:"metadata"`
	RoleRef  *RoleRef  `json:"roleRef,omitempty"`
	Subjects []Subject `json:"subjects,omitempty"`
}

// Metadata is what is needed of an object's.
type Metadata struct {
	Namespace         string            `json:"namespace,omitempty"`
	Name              string            `json:"name"`
	UID               string            `json:"uid,omitempty"`
	ResourceVersion   string            `json:"resourceVersion,omitempty"`
	DeletionTimestamp string            `json:"deletionTimestamp,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
}

// RoleRef is the role that a binding gives.
type RoleRef struct {
	APIGroup string `json:"apiGroup"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
}

// Subject is who a binding gives it to.
type Subject struct {
	Kind      string `json:"kind"`
	APIGroup  string `json:"apiGroup,omitempty"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// String is "namespace web" or "rolebinding web/ystack:edit:member".
func (o Object) String() string {
	name := o.Metadata.Name
	if o.Metadata.Namespace != "" {
		name = o.Metadata.Namespace + "/" + name
	}
	return strings.ToLower(o.Kind) + " " + name
}

func compareObjects(a, b Object) int {
	return cmp.Or(
		strings.Compare(a.Metadata.Namespace, b.Metadata.Namespace),
		strings.Compare(a.Metadata.Name, b.Metadata.Name),
	)
}

// ours are the labels of what was made under the name of a TenantSync.
func ours(name string) map[string]string {
	return map[string]string{labelManagedBy: manager, labelComponent: component, labelInstance: name}
}

func (o Object) isOurs(name string) bool { return has(o.Metadata.Labels, ours(name)) }

func (o Object) project() string { return o.Metadata.Labels[labelProject] }

// has tells whether all of some are in m.
func has(m, some map[string]string) bool {
	for k, v := range some {
		if got, there := m[k]; !there || got != v {
			return false
		}
	}
	return true
}

// differences between what is and what is wanted, in words; what others added does not
// count.
func (o Object) differences(wanted Object) []string {
	var all []string
	all = append(all, differing("label", o.Metadata.Labels, wanted.Metadata.Labels)...)
	all = append(all, differing("annotation", o.Metadata.Annotations, wanted.Metadata.Annotations)...)
	if since, there := o.Metadata.Labels[labelQuarantined]; there && wanted.Metadata.Labels[labelQuarantined] == "" {
		all = append(all, "no longer quarantined (since "+since+")")
	}
	if !slices.Equal(o.Subjects, wanted.Subjects) {
		all = append(all, "its subjects were changed")
	}
	if len(all) == 0 && o.Metadata.Annotations[annotationApplied] != wanted.Metadata.Annotations[annotationApplied] {
		all = append(all, "a label or annotation is not wanted any more")
	}
	return all
}

func differing(what string, is, wanted map[string]string) []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(wanted)) {
		got, there := is[k]
		switch {
		case k == annotationApplied || there && got == wanted[k]:
		case !there:
			all = append(all, what+" "+k+" is missing")
		default:
			all = append(all, what+" "+k+" is "+quoted(got)+", not "+quoted(wanted[k]))
		}
	}
	return all
}

// quoted keeps short words readable, and signs that are none out of terminals.
func quoted(s string) string {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return strconv.Quote(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}
