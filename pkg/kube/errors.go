package kube

import "errors"

// Kinds of failure, to be asked for with errors.Is. The error that carries one
// says in one sentence what is wrong, where, and what to do.
var (
	// ErrNoKubeconfig says that no kubeconfig was found, or that it is empty.
	ErrNoKubeconfig = errors.New("no kubeconfig")
	// ErrInvalidKubeconfig says that a kubeconfig exists and cannot be used.
	ErrInvalidKubeconfig = errors.New("invalid kubeconfig")
	// ErrNoContext says that the kubeconfig has no context of the given name.
	ErrNoContext = errors.New("no such context")
	// ErrUnreachable says that the API server does not answer.
	ErrUnreachable = errors.New("API server unreachable")
	// ErrCertificate says that the server's certificate is not trusted or not valid now.
	ErrCertificate = errors.New("certificate not accepted")
	// ErrExecPlugin says that the credential plugin of the kubeconfig failed.
	ErrExecPlugin = errors.New("credential plugin failed")
	// ErrUnauthorized says that the server does not accept the credentials.
	ErrUnauthorized = errors.New("not logged in")
	// ErrForbidden says that the user may not do what was asked.
	ErrForbidden = errors.New("forbidden")
	// ErrNamespaceNotFound says that the namespace does not exist.
	ErrNamespaceNotFound = errors.New("namespace not found")
	// ErrNotFound says that an object or a resource does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that somebody else changed the object, or owns a field of it.
	ErrConflict = errors.New("conflict")
	// ErrInvalid says that the server does not accept the object as it is.
	ErrInvalid = errors.New("rejected by the API server")
)

// Error is an explained failure: one sentence for people, a sentinel of this
// package for code, and the original error for both.
type Error struct {
	Kind    error // a sentinel of this package
	Message string
	Cause   error
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives errors.Is and errors.As the sentinel and the original error.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Cause} }
