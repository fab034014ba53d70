// Package abac reads, writes, evaluates, checks and compares the policy files of
// kube-apiserver's ABAC authorizer: abac.authorization.kubernetes.io/v1beta1, one
// JSON object a line.
//
// The format forgives what it should not: a field that it does not know is passed
// over, a line that does not say its version is taken for version 0, where nothing
// said means everything granted. So reading takes every line exactly as the API server
// does, and [Lint] says where that is not what the line looks like.
package abac
