package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy/rbac"
)

// Cluster is what a plan must know of a cluster.
type Cluster struct {
	// Namespaces are all of them: whoever has a name keeps it.
	Namespaces []Object
	// Bindings are the RoleBindings that are ours by their labels or by their names, and
	// our ClusterRoleBindings.
	Bindings []Object
	// NoClusterRoles are those that the TenantSync names and that are not there: the API
	// server takes a binding to one, which then grants nothing.
	NoClusterRoles []string
	// Rules are what the ClusterRoles grant that the TenantSync names, where we may see it.
	Rules map[string][]rbac.Rule
	// Secrets are those to be copied into namespaces.
	Secrets Secrets
	// Policy is the ABAC policy file; nil if none is to be written.
	Policy *PolicyFile
}

// Observe lists what is there.
func Observe(ctx context.Context, c *kube.Client, config *app.TenantSync) (*Cluster, error) {
	namespaces, err := listAll(ctx, c, "Namespace", "/api/v1/namespaces", url.Values{})
	if err != nil {
		return nil, err
	}
	// All of them: who takes a label off one of ours must not hide it.
	bindings, err := listAll(ctx, c, "RoleBinding", "/apis/"+rbacGroup+"/v1/rolebindings", url.Values{})
	if err != nil {
		return nil, err
	}
	bindings = slices.DeleteFunc(bindings, func(o Object) bool {
		return !o.isOurs(config.Metadata.Name) && !strings.HasPrefix(o.Metadata.Name, bindingPrefix)
	})
	system, err := systemBindingsIn(ctx, c, config)
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{Namespaces: namespaces, Bindings: slices.Concat(bindings, system), Rules: map[string][]rbac.Rule{}}
	if cluster.Secrets, err = readSecrets(ctx, c, config, namespaces); err != nil {
		return nil, err
	}
	return cluster, cluster.readRoles(ctx, c, slices.Concat(config.Spec.Roles, config.Spec.SystemRoles))
}

// systemBindingsIn are our ClusterRoleBindings. An account that may not list them has
// never made one, unless the TenantSync has roles for them.
func systemBindingsIn(ctx context.Context, c *kube.Client, config *app.TenantSync) ([]Object, error) {
	all, err := listAll(ctx, c, "ClusterRoleBinding", "/apis/"+rbacGroup+"/v1/clusterrolebindings", url.Values{
		"labelSelector": {labels.SelectorFromSet(ours(config.Metadata.Name)).String()},
	})
	if errors.Is(err, kube.ErrForbidden) && len(config.Spec.SystemRoles) == 0 {
		return nil, nil
	}
	return all, err
}

// readRoles asks for the ClusterRoles that roles are mapped to. Who may not look at them
// may still bind them.
func (c *Cluster) readRoles(ctx context.Context, client *kube.Client, roles []app.RoleMapping) error {
	asked := map[string]bool{}
	for _, m := range roles {
		if asked[m.ClusterRole] {
			continue
		}
		asked[m.ClusterRole] = true
		body, err := client.Get(ctx, "/apis/"+rbacGroup+"/v1/clusterroles/"+url.PathEscape(m.ClusterRole), nil, "application/json")
		switch {
		case errors.Is(err, kube.ErrNotFound):
			c.NoClusterRoles = append(c.NoClusterRoles, m.ClusterRole)
			continue
		case errors.Is(err, kube.ErrForbidden):
			continue
		case err != nil:
			return err
		}
		var role struct {
			Rules []rbac.Rule `json:"rules"`
		}
		if err := json.Unmarshal(body, &role); err != nil {
			return fmt.Errorf("API server %s: ClusterRole %s: %w", client.Server, m.ClusterRole, err)
		}
		c.Rules[m.ClusterRole] = role.Rules
	}
	return nil
}

// page is how many objects are read at once; tens of thousands would be too many.
const page = "1000"

// listAll are all objects of a kind, sorted.
func listAll(ctx context.Context, c *kube.Client, kind, path string, query url.Values) ([]Object, error) {
	all, err := listPages[Object](ctx, c, kind, path, query)
	for i := range all {
		all[i].Kind = kind
	}
	sort.Slice(all, func(i, j int) bool { return compareObjects(all[i], all[j]) < 0 })
	return all, err
}

// listPages reads page after page of one state of the cluster. A list that takes too long
// ends with the server's error, and never short.
func listPages[T any](ctx context.Context, c *kube.Client, kind, path string, query url.Values) ([]T, error) {
	if query.Get("limit") == "" {
		query.Set("limit", page)
	}
	var all []T
	for {
		body, err := c.Get(ctx, path, query, "application/json")
		if err != nil {
			return nil, err
		}
		var list struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []T `json:"items"`
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, fmt.Errorf("API server %s: %s: %w", c.Server, path, err)
		}
		if list.Kind != kind+"List" {
			return nil, fmt.Errorf("API server %s: %s: a %s was expected, not %q", c.Server, path, kind+"List", list.Kind)
		}
		all = append(all, list.Items...)
		if list.Metadata.Continue == "" {
			return all, nil
		}
		query.Set("continue", list.Metadata.Continue)
	}
}
