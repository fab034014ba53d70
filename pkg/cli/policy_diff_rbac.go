package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
	"github.com/ystackdev/ystack/pkg/tenancy/abac"
	"github.com/ystackdev/ystack/pkg/tenancy/rbac"
)

var beyondListing = listing[rbac.Change]{
	kind: "PolicyChange",
	name: rbac.Change.String,
	columns: []column[rbac.Change]{
		{header: "CHANGE", value: func(c rbac.Change) string { return c.Change }},
		{header: "USER", value: func(c rbac.Change) string { return c.User }},
		{header: "GROUP", value: func(c rbac.Change) string { return c.Group }},
		{header: "VERBS", value: func(c rbac.Change) string { return strings.Join(c.Verbs, ",") }},
		{header: "NAMESPACE", value: func(c rbac.Change) string { return c.Namespace }},
		{header: "APIGROUP", value: func(c rbac.Change) string { return c.APIGroup }},
		{header: "RESOURCE", value: func(c rbac.Change) string { return c.Resource }},
		{header: "PATH", value: func(c rbac.Change) string { return c.Path }},
	},
}

// diffCluster compares what RBAC grants in a cluster with a policy file.
func diffCluster(ctx context.Context, env Env, flags *kubeFlags, file, output string) error {
	changes, err := compareCluster(ctx, env, flags, file)
	if err != nil {
		return diffError{err}
	}
	return printDifferences(env, beyondListing, output, changes)
}

func compareCluster(ctx context.Context, env Env, flags *kubeFlags, file string) ([]rbac.Change, error) {
	policy, err := parsePolicy(env, file)
	if err != nil {
		return nil, err
	}
	client, err := flags.client("")
	if err != nil {
		return nil, err
	}
	granted, err := tenancy.ReadRBAC(ctx, client)
	if err != nil {
		return nil, err
	}
	known, err := client.Resources(ctx)
	if err != nil {
		return nil, err
	}
	return rbac.Diff(granted, policy, askable(known), subjectsOf(granted, policy)), nil
}

// askable are resources and their subresources, as an authorizer is asked about them.
func askable(known []kube.Served) []rbac.Resource {
	var all []rbac.Resource
	for _, r := range known {
		all = append(all, rbac.Resource{APIGroup: r.Group, Resource: r.Resource.Resource, Namespaced: r.Namespaced, Verbs: r.Verbs})
		for sub, verbs := range r.Subresources {
			all = append(all, rbac.Resource{APIGroup: r.Group, Resource: r.Resource.Resource + "/" + sub, Namespaced: r.Namespaced, Verbs: verbs})
		}
	}
	return all
}

// subjectsOf are those to compare: the cluster's own only if the file names them.
func subjectsOf(granted *rbac.Policy, policy *abac.Policy) []rbac.Subject {
	all := map[rbac.Subject]bool{}
	for _, s := range granted.Subjects() {
		if !strings.HasPrefix(s.User+s.Group, "system:") {
			all[s] = true
		}
	}
	for _, r := range policy.Rules {
		if (r.User == "") != (r.Group == "") {
			all[rbac.Subject{User: r.User, Group: r.Group}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b rbac.Subject) int { return strings.Compare(a.String(), b.String()) })
}
