// Package rbac decides as kube-apiserver's RBAC authorizer does, over roles and bindings
// in memory. It also says in ABAC's terms what a role grants, as far as ABAC can say it,
// and compares the two: [Lines] and [Diff].
package rbac
