// Package kubernetes deploys a container image to a Kubernetes cluster: render,
// plan, diff, apply, wait, and see where it answers; history and rollback.
//
// Everything it creates carries the label app.kubernetes.io/managed-by: ystack;
// it never changes or removes an object that does not. What is written is also
// the record: the workload's annotations say which revision of which source it
// is, and hold enough to deploy again from.
package kubernetes
