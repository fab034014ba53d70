// Package tenancy turns what Keystone says of users, projects and roles into what
// Kubernetes grants.
//
// [Read] takes a [Snapshot] of Keystone, whole or not at all. [Snapshot.Expand] works
// out who has which role where, and why. Neither asks Keystone for effective
// assignments or for names: it computes those one by one, for minutes.
//
// [NewPlan] compares that with what a [Cluster] has, and [Apply] makes the changes:
// namespaces of projects, RoleBindings of roles.
package tenancy
