// Package authwebhook answers kube-apiserver's TokenReviews from Keystone, and its
// SubjectAccessReviews from an ABAC policy file.
//
// A [Authenticator] says who a token belongs to: it turns away what cannot be a
// Keystone token, remembers answers for a while and asks Keystone for the rest, one
// request per token, a few at a time. [Handler] speaks HTTP for it and [Serve] TLS.
// [Manifests] renders what a cluster needs to run it.
//
// It needs no account in Keystone: a token is validated with itself. What it cannot find
// out it never presents as a refusal, since the API server remembers refusals.
package authwebhook
