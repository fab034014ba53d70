package login

import (
	"context"
	"regexp"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Access is what somebody may do in a namespace, by the ClusterRoles that Kubernetes comes
// with. It is asked for, not read from bindings: so it is right whatever authorizes.
type Access string

const (
	AdminAccess Access = "admin" // may create rolebindings
	EditAccess  Access = "edit"  // may create pods
	ViewAccess  Access = "view"  // may list pods
	NoAccess    Access = "none"
)

// accessToAll finds it for many namespaces. Who is an administrator everywhere is in each.
func accessToAll(ctx context.Context, client *kube.Client, namespaces []string) ([]Access, error) {
	access := make([]Access, len(namespaces))
	everywhere, err := NoAccess, error(nil)
	if len(namespaces) > 1 {
		if everywhere, err = accessTo(ctx, client, ""); err != nil {
			return nil, err
		}
	}
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	for i, name := range namespaces {
		if access[i] = everywhere; everywhere == AdminAccess {
			continue
		}
		asking.Go(func() (err error) {
			access[i], err = accessTo(ctx, client, name)
			return err
		})
	}
	return access, asking.Wait()
}

// accessTo finds the most that somebody may do.
func accessTo(ctx context.Context, client *kube.Client, namespace string) (Access, error) {
	for _, level := range []struct {
		access Access
		sign   kube.Access
	}{
		{AdminAccess, kube.Access{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings"}},
		{EditAccess, kube.Access{Verb: "create", Resource: "pods"}},
		{ViewAccess, kube.Access{Verb: "list", Resource: "pods"}},
	} {
		level.sign.Namespace = namespace
		allowed, _, err := client.Allowed(ctx, level.sign)
		if err != nil {
			return NoAccess, err
		}
		if allowed {
			return level.access, nil
		}
	}
	return NoAccess, nil
}

// What webhooks for Keystone say of a token's scope, ours and the community's.
const (
	extraProjectID   = "alpha.kubernetes.io/identity/project/id"
	extraProjectName = "alpha.kubernetes.io/identity/project/name"
	extraRoles       = "alpha.kubernetes.io/identity/roles"
)

// roleGroup is a group that our webhook reports, whatever its prefix.
var roleGroup = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`project:([^:]+):role:(.+)$`) })

// scopeOf is the project and the roles that somebody's token is for.
func scopeOf(who kube.UserInfo) (id, name string, roles []string) {
	one := func(key string) string { return first(who.Extra[key]...) }
	id, name, roles = one(extraProjectID), one(extraProjectName), slices.Sorted(slices.Values(who.Extra[extraRoles]))
	if id != "" {
		return id, name, roles
	}
	for _, g := range who.Groups {
		if m := roleGroup().FindStringSubmatch(g); m != nil {
			id, roles = m[1], append(roles, m[2])
		}
	}
	slices.Sort(roles)
	return id, name, roles
}
