package tenancy

import (
	"context"
	"net/url"

	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy/rbac"
)

// ReadRBAC is who has which roles in a cluster, by its RBAC. It needs to list roles and
// bindings in all namespaces.
func ReadRBAC(ctx context.Context, c *kube.Client) (*rbac.Policy, error) {
	type role struct {
		Metadata Metadata    `json:"metadata"`
		Rules    []rbac.Rule `json:"rules"`
	}
	rules := map[string][]rbac.Rule{} // by namespace/name
	p := &rbac.Policy{}
	for _, kind := range []string{"ClusterRole", "Role"} {
		roles, err := listPages[role](ctx, c, kind, pathOf(kind), url.Values{})
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			rules[r.Metadata.Namespace+"/"+r.Metadata.Name] = r.Rules
		}
	}
	for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
		bindings, err := listPages[Object](ctx, c, kind, pathOf(kind), url.Values{})
		if err != nil {
			return nil, err
		}
		for _, b := range bindings {
			at := "/"
			if b.RoleRef != nil && b.RoleRef.Kind == "Role" {
				at = b.Metadata.Namespace + "/"
			}
			if b.RoleRef == nil || len(rules[at+b.RoleRef.Name]) == 0 {
				continue
			}
			for _, s := range b.Subjects {
				p.Add(s.inRequests(b.Metadata.Namespace), rbac.Grant{Namespace: b.Metadata.Namespace, Rules: rules[at+b.RoleRef.Name]})
			}
		}
	}
	return p, nil
}

func pathOf(kind string) string {
	paths := map[string]string{"ClusterRole": "clusterroles", "Role": "roles", "ClusterRoleBinding": "clusterrolebindings", "RoleBinding": "rolebindings"}
	return "/apis/" + rbacGroup + "/v1/" + paths[kind]
}

// inRequests is who a subject of a binding is when he asks for something.
func (s Subject) inRequests(namespace string) rbac.Subject {
	switch s.Kind {
	case "Group":
		return rbac.Subject{Group: s.Name}
	case "ServiceAccount":
		if s.Namespace != "" {
			namespace = s.Namespace
		}
		return rbac.Subject{User: "system:serviceaccount:" + namespace + ":" + s.Name}
	}
	return rbac.Subject{User: s.Name}
}
