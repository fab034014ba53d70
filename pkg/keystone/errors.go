package keystone

import "errors"

// Kinds of failures of [Load].
var (
	// ErrNoConfig: neither a clouds.yaml nor OS_* variables say where Keystone is.
	ErrNoConfig = errors.New("no OpenStack credentials found")
	// ErrNoCloud: no clouds.yaml holds the cloud that was asked for.
	ErrNoCloud = errors.New("no such cloud")
	// ErrIncomplete: something is missing that a terminal may ask for. See [IncompleteError].
	ErrIncomplete = errors.New("credentials are incomplete")
	// ErrInvalidConfig: a file, variable or flag has a wrong value.
	ErrInvalidConfig = errors.New("invalid OpenStack configuration")
)

// Kinds of failures of a [Client] and of a [Session].
var (
	ErrUnreachable     = errors.New("keystone is unreachable")
	ErrCertificate     = errors.New("keystone's TLS certificate cannot be verified")
	ErrUnauthorized    = errors.New("keystone refused the credentials")
	ErrPasswordExpired = errors.New("the password has expired")
	ErrUserDisabled    = errors.New("the user is disabled")
	ErrLocked          = errors.New("the user is locked")
	// ErrMFARequired: more is needed than was given. See [MFAError].
	ErrMFARequired = errors.New("more authentication methods are required")
	ErrForbidden   = errors.New("forbidden")
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("already exists")
	// ErrRejected: Keystone finds a mistake in the request.
	ErrRejected = errors.New("keystone rejects the request")
	// ErrServer: Keystone failed, or what answered is no Keystone.
	ErrServer = errors.New("keystone answered with an error")
	// ErrNoEndpoint: the catalogue has no such service, or not in this region or interface.
	ErrNoEndpoint = errors.New("no such endpoint")
	ErrClockSkew  = errors.New("the clocks of this machine and of Keystone differ")
)

// Refused tells that credentials do not let anybody in, so that to send them again does no
// good, and can lock their user.
func Refused(err error) bool {
	for _, kind := range []error{ErrUnauthorized, ErrPasswordExpired, ErrUserDisabled, ErrLocked} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// ErrRefusedName: the user's name would be one that Kubernetes keeps for itself.
var ErrRefusedName = errors.New("user name refused")

// IncompleteError lists what a configuration lacks. It is an [ErrIncomplete].
type IncompleteError struct {
	// Missing are openstackclient's names: username, password, passcode, auth_url …
	Missing []string
	// Config is what is known; with the missing values filled in it is usable.
	Config *Config
}

// Unwrap makes it an [ErrIncomplete].
func (e *IncompleteError) Unwrap() error { return ErrIncomplete }

// MFAError says which methods are still missing. It is an [ErrMFARequired].
type MFAError struct {
	// Missing are sets of methods (password, totp …): any one of them is enough.
	Missing [][]string
	// Done are the methods that Keystone has accepted.
	Done []string

	message string
}

func (e *MFAError) Error() string { return e.message }

// Unwrap makes it an [ErrMFARequired].
func (e *MFAError) Unwrap() error { return ErrMFARequired }

// kindError is a sentence, of one of the kinds above.
type kindError struct {
	kind    error
	message string
}

func (e *kindError) Error() string { return e.message }

func (e *kindError) Unwrap() error { return e.kind }
