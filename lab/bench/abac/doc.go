// Package abac holds pkg/tenancy/abac against the authorizer of kube-apiserver itself. It is a module of its
// own, since that one comes with all of Kubernetes:
//
//	go test -C lab/bench/abac -bench . -benchmem
package abac
