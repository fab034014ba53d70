package tenancy

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// ReadOptions are all optional.
type ReadOptions struct {
	// Concurrency is how many requests may be under way at once: 8 if it is 0.
	Concurrency int
	// WithoutMembers leaves out who is in which group. That takes a request for each group,
	// often longer than all the rest, and [Access.RolesOn] does without.
	WithoutMembers bool
}

// Read lists who may do what at a Keystone. Whatever an answer names must be there too:
// what a list lacks is asked for by its id, and where Keystone has it after all, the list
// was not whole. Then, as for an answer that breaks off or is truncated, there is an
// error, usually an [ErrPartial], and no snapshot.
//
// Two things are between a first list of the assignments and a second: the members of
// groups and the roles that imply others. So a user who has access all the time, if by
// changing assignments and groups, has it in the snapshot. What was taken away meanwhile
// may be in it once more. Not seen is a user who goes from one group to another between
// the two being listed.
func Read(ctx context.Context, s *keystone.Session, o ReadOptions) (*Snapshot, error) {
	r, err := readOnce(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return r.confirm(ctx)
}

// readOnce is the first half: everything has been listed once. What is in the snapshot was
// there; what is not in it may be there all the same.
func readOnce(ctx context.Context, s *keystone.Session, o ReadOptions) (*reader, error) {
	token, err := s.Token(ctx)
	if err != nil {
		return nil, err
	}
	if token.Project == nil && !token.System {
		return nil, &kindError{ErrPartial, fmt.Sprintf("cannot read users and projects as %s: Keystone lists all of them only to a token of the system or of a project, "+
			"and this is one of %s; set system_scope: all (OS_SYSTEM_SCOPE), or a project", token.User.Name, scopeOf(token))}
	}
	r := newReader(s, o)
	r.token = token
	for _, step := range []func(context.Context) error{r.readLists, r.complete} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// confirm is the second half, after which nothing is missing.
func (r *reader) confirm(ctx context.Context) (*Snapshot, error) {
	for _, step := range []func(context.Context) error{r.confirmImplied, r.readAgain, r.complete} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	r.forgetUnused()
	return r.snapshot, r.checkOwn(r.token)
}

func scopeOf(t *keystone.Token) string {
	if t.Domain != nil {
		return "domain " + t.Domain.Name
	}
	return "nothing"
}

// reader fills a snapshot.
type reader struct {
	session     *keystone.Session
	token       *keystone.Token // that it began with
	concurrency int
	members     bool // are wanted

	snapshot *Snapshot
	groups   map[string]Group // as listed, without members

	mu   sync.Mutex // of what concurrent requests bring
	gone map[string]bool
}

func newReader(s *keystone.Session, o ReadOptions) *reader {
	const concurrency = 8
	r := &reader{session: s, concurrency: o.Concurrency, members: !o.WithoutMembers, gone: map[string]bool{}}
	if r.concurrency <= 0 {
		r.concurrency = concurrency
	}
	r.snapshot = &Snapshot{Groups: map[string]Group{}, Taken: time.Now(), WithoutMembers: o.WithoutMembers}
	return r
}

// readLists lists everything once, the longest list first.
func (r *reader) readLists(ctx context.Context) error {
	g, ctx := r.group(ctx)
	s := r.snapshot
	g.Go(func() (err error) { s.Assignments, err = r.assignments(ctx, ""); return })
	g.Go(func() (err error) { s.Users, err = all(ctx, r, users); return })
	g.Go(func() (err error) { s.Projects, err = all(ctx, r, projects); return })
	g.Go(func() (err error) { s.Domains, err = all(ctx, r, domains); return })
	g.Go(func() (err error) { s.Roles, err = all(ctx, r, roles); return })
	g.Go(func() (err error) { s.Implied, err = r.implied(ctx); return })
	g.Go(func() (err error) { r.groups, err = all(ctx, r, groups); return })
	return g.Wait()
}

// all lists a kind.
func all[T any](ctx context.Context, r *reader, k kind[T]) (map[string]T, error) {
	elements, err := list(ctx, r, k.list(), k.many, k.decode)
	m := make(map[string]T, len(elements))
	for _, e := range elements {
		m[k.id(e)] = e
	}
	return m, err
}

// forgetUnused drops the users who have no role.
func (r *reader) forgetUnused() {
	used := map[string]bool{}
	for _, a := range r.snapshot.Assignments {
		used[a.UserID] = true
	}
	for _, g := range r.snapshot.Groups {
		for _, id := range g.Members {
			used[id] = true
		}
	}
	for id := range r.snapshot.Users {
		if !used[id] {
			delete(r.snapshot.Users, id)
		}
	}
}

// checkOwn makes sure that the snapshot holds what the token that read it knows: of all
// that may be missing, this is certain to be there. It tells another cloud's lists too.
func (r *reader) checkOwn(t *keystone.Token) error {
	scope := Scope{System: t.System}
	if t.Project != nil {
		scope.ProjectID = t.Project.ID
		if _, there := r.snapshot.Projects[t.Project.ID]; !there {
			return projects.list().partial("the list lacks project %s, which the token is good for", t.Project.Name)
		}
	}
	have := r.snapshot.Expand().RolesOn(scope)
	for _, role := range t.Roles {
		if !slices.Contains(have, role.ID) {
			return question{path: "/v3/role_assignments", what: "list role_assignments"}.
				partial("nothing in the list gives role %s on %s, which this account has", role.Name, r.snapshot.ScopeName(scope))
		}
	}
	return nil
}
