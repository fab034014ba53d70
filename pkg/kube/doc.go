// Package kube reaches a Kubernetes API server the way a kubeconfig says, and
// turns what goes wrong on the way into sentences.
//
// It is the one place that knows how API and network errors look; everything
// above it asks errors.Is with the sentinels of this package.
package kube
