// Package watch makes a cluster follow Keystone for ever: round after round of what
// package tenancy does once, with health, metrics and a log; and [Manifests] renders what it takes
// to run that in the cluster itself.
package watch
