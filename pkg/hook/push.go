package hook

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Push is what a payload says of a push, as far as it matters here.
type Push struct {
	Repository string `json:"repository"` // OWNER/NAME
	Branch     string `json:"branch"`
	Before     string `json:"before,omitempty"`
	After      string `json:"after"`
	Forced     bool   `json:"forced,omitempty"`
	Pusher     string `json:"pusher,omitempty"`
	Subject    string `json:"subject,omitempty"` // first line of the head commit's message
}

// What of a payload is not a push that could start something.
var (
	errTag     = errors.New("tags start nothing")
	errDeleted = errors.New("the branch was deleted: there is nothing to run")
	errNothing = errors.New("the branch is where it was: taken as a test of the hook")
)

var pushFields = []string{
	"ref", "before", "after", "deleted", "forced", "repository.full_name",
	"pusher.name", "pusher.login", "sender.login", "head_commit.message",
}

var (
	commitPattern     = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	repositoryPattern = regexp.MustCompile(`^[-_A-Za-z0-9][-._A-Za-z0-9]*/[-_A-Za-z0-9][-._A-Za-z0-9]*$`)
)

// parsePush reads the payload of a push event. When it fails, r may not be read to its end.
func parsePush(r *bufio.Reader) (Push, error) {
	s, err := scan(r, pushFields)
	if err != nil {
		return Push{}, err
	}
	for _, name := range []string{"ref", "before", "after", "repository.full_name"} {
		if s.cut[name] {
			return Push{}, fmt.Errorf("%s is too long", name)
		}
	}
	p := Push{
		Repository: s.got["repository.full_name"], Before: s.got["before"], After: s.got["after"],
		Forced: s.got["forced"] == "true", Pusher: firstOf(s.got, "pusher.name", "pusher.login", "sender.login"),
	}
	p.Subject, _, _ = strings.Cut(s.got["head_commit.message"], "\n")
	if !repositoryPattern.MatchString(p.Repository) {
		return Push{}, errors.New("repository.full_name is missing or is not OWNER/NAME")
	}
	return p, p.place(s.got["ref"], s.got["deleted"] == "true")
}

// place fills the branch, or says why there is none to run.
func (p *Push) place(ref string, deleted bool) error {
	if strings.HasPrefix(ref, "refs/tags/") {
		return errTag
	}
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok || !goodBranch(branch) {
		return errors.New("ref is missing or is neither a branch nor a tag")
	}
	p.Branch = branch
	if !commitPattern.MatchString(p.After) {
		return errors.New("after is missing or is no commit")
	}
	if p.Before != "" && !commitPattern.MatchString(p.Before) {
		return errors.New("before is no commit")
	}
	switch {
	case deleted || strings.Trim(p.After, "0") == "":
		return errDeleted
	case p.Before == p.After:
		return errNothing
	}
	return nil
}

// goodBranch keeps to what git allows in a name, as far as it could do harm in one.
func goodBranch(name string) bool {
	return name != "" && len(name) <= 255 && name[0] != '-' && !strings.Contains(name, "..") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) })
}

func firstOf(values map[string]string, names ...string) string {
	for _, name := range names {
		if values[name] != "" {
			return values[name]
		}
	}
	return ""
}
