// Package keystone logs in to OpenStack's Identity service, version 3, and says who
// somebody is to Kubernetes.
//
// [Load] reads what OpenStack's own clients read, in their order of precedence:
// clouds.yaml, secure.yaml, clouds-public.yaml, OS_* variables and flags. A [Client]
// speaks to one Keystone; a [Session] to all services of a cloud, with a token that it
// renews. [Token.Identity] is the contract between a Keystone user and
// a Kubernetes user.
//
// It is its own client rather than gophercloud's because that one knows a single
// domain where Keystone has a user's and a project's, and no authentication receipts.
package keystone
