package login

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Kinds of failure, to be asked for with errors.Is.
var (
	// ErrMissing says that something is needed to log in that nobody can be asked for.
	ErrMissing = errors.New("credentials are missing")
	// ErrLoggedOut says that the user ended this login, and has to begin another.
	ErrLoggedOut = errors.New("logged out")
	// ErrNoProject says that the user has no such project, or has not said which.
	ErrNoProject = errors.New("no such project")
	// ErrNoCluster says that the kubeconfig leaves open which cluster is meant.
	ErrNoCluster = errors.New("no such cluster")
	// ErrTaken says that the kubeconfig has somebody else's entry of that name.
	ErrTaken = errors.New("the name is taken")
	// ErrNotOurs says that a context does not log in through Keystone.
	ErrNotOurs = errors.New("not a context of keystone-login")
	// ErrRemains says that something could not be ended.
	ErrRemains = errors.New("not everything could be ended")
)

// Error is a failure in one sentence for people and a sentinel for code.
type Error struct {
	Kind    error
	Message string
	Cause   error // may be nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives errors.Is and errors.As both.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

func failf(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// remedy is the command that begins the pin's login anew.
func (p Pin) remedy(flags ...string) string {
	command := "kubectl ystack keystone-login"
	for _, o := range []string{"cloud", "auth_url", "auth_type", "username", "user_id", "user_domain_name", "user_domain_id", "cacert", "insecure"} {
		usual := o == "auth_type" && (p[o] == keystone.AuthPassword || p[o] == keystone.AuthApplicationCredential)
		if p[o] == "" || usual || p["cloud"] != "" && o != "cloud" {
			continue
		}
		command += " --" + Flag(o) + " " + quote(p[o])
	}
	if p["project_id"] != "" {
		command += " --project " + quote(first(p["project_name"], p["project_id"]))
	}
	return "`" + strings.Join(append([]string{command}, flags...), " ") + "`"
}

// quote is for pasting into a shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// missingError names, for each thing that is missing, what can be set.
func missingError(c *keystone.Config, names []string, remedy string) error {
	var ways []string
	for _, n := range names {
		way := "OS_" + strings.ToUpper(n)
		if c != nil && c.Cloud != "" && n != "passcode" { // which is good once
			way += fmt.Sprintf(" or %s of cloud %s in clouds.yaml", n, c.Cloud)
			if secret(n) {
				way += " or secure.yaml"
			}
		}
		if !secret(n) {
			way += " or --" + Flag(n)
		}
		ways = append(ways, way)
	}
	where := ""
	if c != nil && c.AuthURL != "" {
		where = fmt.Sprintf(" for %s at %s", pinOf(c).User(), c.AuthURL)
	}
	return failf(ErrMissing, "no %s%s, and there is no terminal to ask on; set %s, %s",
		strings.Join(names, " and no "), where, strings.Join(ways, "; "), remedy)
}

func secret(option string) bool {
	return slices.Contains([]string{"password", "passcode", "token", "application_credential_secret"}, option)
}
