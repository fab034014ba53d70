package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/keystone"
)

type reference struct {
	ID string `json:"id"`
}

// listedAssignment is what Keystone sends of one.
type listedAssignment struct {
	User  reference `json:"user"`
	Group reference `json:"group"`
	Role  reference `json:"role"`
	Scope struct {
		Project   reference `json:"project"`
		Domain    reference `json:"domain"`
		System    *struct{} `json:"system"`
		Inherited string    `json:"OS-INHERIT:inherited_to"`
	} `json:"scope"`
}

func (l listedAssignment) assignment() (Assignment, error) {
	a := Assignment{
		UserID: l.User.ID, GroupID: l.Group.ID, RoleID: l.Role.ID,
		Scope:     Scope{l.Scope.Project.ID, l.Scope.Domain.ID, l.Scope.System != nil},
		Inherited: l.Scope.Inherited == "projects",
	}
	scopes := 0
	for _, there := range []bool{a.Scope.ProjectID != "", a.Scope.DomainID != "", a.Scope.System} {
		if there {
			scopes++
		}
	}
	if (a.UserID == "") == (a.GroupID == "") || a.RoleID == "" || scopes != 1 || a.Inherited != (l.Scope.Inherited != "") {
		return a, errIncomplete
	}
	return a, nil
}

// assignments lists them as they were made; query narrows it.
func (r *reader) assignments(ctx context.Context, query string) ([]Assignment, error) {
	q := question{path: "/v3/role_assignments" + query, what: "list role_assignments", right: "list_role_assignments"}
	ids := map[string]string{} // each id is kept once: there are ten assignments to a user
	once := func(id string) string {
		if known, ok := ids[id]; ok {
			return known
		}
		ids[id] = id
		return id
	}
	all, err := list(ctx, r, q, "role_assignments", func(d *json.Decoder) (Assignment, error) {
		var listed listedAssignment
		if err := d.Decode(&listed); err != nil {
			return Assignment{}, err
		}
		a, err := listed.assignment()
		a.UserID, a.GroupID, a.RoleID = once(a.UserID), once(a.GroupID), once(a.RoleID)
		a.Scope.ProjectID, a.Scope.DomainID = once(a.Scope.ProjectID), once(a.Scope.DomainID)
		return a, err
	})
	return sorted(all), err
}

// mostVanished bounds how many assignments may go while reading.
const mostVanished = 1000

// readAgain lists the assignments a second time, now role by role, and adds those that
// are new. Those that are gone stay in the snapshot, for one reading more: while a user
// is moved from an assignment into a group, or back, he is seen in one of them. But each
// of them is asked for, since a list that lacks what is still there is not whole.
func (r *reader) readAgain(ctx context.Context) error {
	again, err := r.byRole(ctx)
	if err != nil {
		return err
	}
	if err := r.reallyGone(ctx, missing(r.snapshot.Assignments, again)); err != nil {
		return err
	}
	r.snapshot.Assignments = sorted(append(r.snapshot.Assignments, again...))
	return nil
}

// byRole lists the assignments of each role.
func (r *reader) byRole(ctx context.Context) ([]Assignment, error) {
	var all []Assignment
	g, ctx := r.group(ctx)
	for id := range r.snapshot.Roles {
		g.Go(func() error {
			some, err := r.assignments(ctx, "?role.id="+url.QueryEscape(id))
			r.mu.Lock()
			defer r.mu.Unlock()
			all = append(all, some...)
			return err
		})
	}
	err := g.Wait()
	return sorted(all), err
}

func (r *reader) reallyGone(ctx context.Context, gone []Assignment) error {
	list := question{path: "/v3/role_assignments", what: "list role_assignments"}
	if len(gone) > mostVanished {
		return list.partial("of the assignments listed first, %d are not in the second list", len(gone))
	}
	g, ctx := r.group(ctx)
	for _, a := range gone {
		g.Go(func() error {
			err := r.ask(ctx, a.question(), func(io.Reader) error { return nil })
			switch {
			case err == nil:
				return list.partial("Keystone has the assignment %s, but it is not in the list", a.question().path)
			case errors.Is(err, keystone.ErrNotFound):
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

// question is whether there is such an assignment.
func (a Assignment) question() question {
	path, right := "/projects/"+url.PathEscape(a.Scope.ProjectID), "check_grant"
	switch {
	case a.Scope.DomainID != "":
		path = "/domains/" + url.PathEscape(a.Scope.DomainID)
	case a.Scope.System && a.UserID != "":
		path, right = "/system", "check_system_grant_for_user"
	case a.Scope.System:
		path, right = "/system", "check_system_grant_for_group"
	}
	if a.UserID != "" {
		path += "/users/" + url.PathEscape(a.UserID)
	} else {
		path += "/groups/" + url.PathEscape(a.GroupID)
	}
	path += "/roles/" + url.PathEscape(a.RoleID)
	if a.Inherited {
		path = "/OS-INHERIT" + path + "/inherited_to_projects"
	}
	return question{path: "/v3" + path, what: "check an assignment", right: right}
}

// group runs requests at once, as many as are allowed.
func (r *reader) group(ctx context.Context) (*errgroup.Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.concurrency)
	return g, ctx
}
