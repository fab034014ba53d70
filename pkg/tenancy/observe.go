package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/kube"
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
}

// Observe lists what is there.
func Observe(ctx context.Context, c *kube.Client, config *app.TenantSync) (*Cluster, error) {
	namespaces, err := listAll(ctx, c, "Namespace", "/api/v1/namespaces", url.Values{"limit": {page}})
	if err != nil {
		return nil, err
	}
	// All of them: who takes a label off one of ours must not hide it.
	bindings, err := listAll(ctx, c, "RoleBinding", "/apis/"+rbac+"/v1/rolebindings", url.Values{"limit": {page}})
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
	missing, err := missingRoles(ctx, c, slices.Concat(config.Spec.Roles, config.Spec.SystemRoles))
	return &Cluster{namespaces, slices.Concat(bindings, system), missing}, err
}

// systemBindingsIn are our ClusterRoleBindings. An account that may not list them has
// never made one, unless the TenantSync has roles for them.
func systemBindingsIn(ctx context.Context, c *kube.Client, config *app.TenantSync) ([]Object, error) {
	all, err := listAll(ctx, c, "ClusterRoleBinding", "/apis/"+rbac+"/v1/clusterrolebindings", url.Values{
		"limit": {page}, "labelSelector": {labels.SelectorFromSet(ours(config.Metadata.Name)).String()},
	})
	if errors.Is(err, kube.ErrForbidden) && len(config.Spec.SystemRoles) == 0 {
		return nil, nil
	}
	return all, err
}

// missingRoles are the ClusterRoles that are not there. Who may not look at them may
// still bind them.
func missingRoles(ctx context.Context, c *kube.Client, roles []app.RoleMapping) ([]string, error) {
	var missing []string
	asked := map[string]bool{}
	for _, m := range roles {
		if asked[m.ClusterRole] {
			continue
		}
		asked[m.ClusterRole] = true
		_, err := c.Get(ctx, "/apis/"+rbac+"/v1/clusterroles/"+url.PathEscape(m.ClusterRole), nil, "application/json")
		switch {
		case errors.Is(err, kube.ErrNotFound):
			missing = append(missing, m.ClusterRole)
		case err != nil && !errors.Is(err, kube.ErrForbidden):
			return nil, err
		}
	}
	return missing, nil
}

// page is how many objects are read at once; tens of thousands would be too many.
const page = "1000"

// listAll reads page after page of one state of the cluster. A list that takes too long
// ends with the server's error, and never short.
func listAll(ctx context.Context, c *kube.Client, kind, path string, query url.Values) ([]Object, error) {
	var all []Object
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
			Items []Object `json:"items"`
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, fmt.Errorf("API server %s: %s: %w", c.Server, path, err)
		}
		if list.Kind != kind+"List" {
			return nil, fmt.Errorf("API server %s: %s: a %s was expected, not %q", c.Server, path, kind+"List", list.Kind)
		}
		for _, o := range list.Items {
			o.Kind = kind
			all = append(all, o)
		}
		if list.Metadata.Continue == "" {
			slices.SortFunc(all, compareObjects)
			return all, nil
		}
		query.Set("continue", list.Metadata.Continue)
	}
}
