package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// inference is one role and what it implies.
type inference struct {
	prior   string
	implied []string
}

func decodeInference(d *json.Decoder) (inference, error) {
	var listed struct {
		Prior   reference   `json:"prior_role"`
		Implies []reference `json:"implies"`
	}
	if err := d.Decode(&listed); err != nil {
		return inference{}, err
	}
	i := inference{prior: listed.Prior.ID}
	for _, role := range listed.Implies {
		i.implied = append(i.implied, role.ID)
	}
	if i.prior == "" || listed.Implies == nil || slices.Contains(i.implied, "") {
		return i, errIncomplete
	}
	return i, nil
}

var inferences = question{path: "/v3/role_inferences", what: "list role_inferences", right: "list_role_inference_rules"}

// implied lists which roles imply which.
func (r *reader) implied(ctx context.Context) (map[string][]string, error) {
	all, err := list(ctx, r, inferences, "role_inferences", decodeInference)
	rules := map[string][]string{}
	for _, i := range all {
		rules[i.prior] = append(rules[i.prior], i.implied...)
	}
	for _, some := range rules {
		slices.Sort(some)
	}
	return rules, err
}

// confirmImplied asks for the rules of each role too. One rule lost would take a role
// from everybody who has it by that, and there are few roles.
func (r *reader) confirmImplied(ctx context.Context) error {
	g, ctx := r.group(ctx)
	for _, role := range slices.Collect(maps.Keys(r.snapshot.Roles)) {
		g.Go(func() error {
			own, err := r.impliedBy(ctx, role)
			if errors.Is(err, keystone.ErrNotFound) { // deleted since
				return nil
			}
			for _, id := range own.implied {
				if !slices.Contains(r.snapshot.Implied[role], id) {
					return inferences.partial("role %s implies %s, which is not in the list; if the rule is new, try again", r.snapshot.RoleName(role), r.snapshot.RoleName(id))
				}
			}
			return err
		})
	}
	return g.Wait()
}

func (r *reader) impliedBy(ctx context.Context, role string) (inference, error) {
	q := question{path: "/v3/roles/" + url.PathEscape(role) + "/implies", what: "list what role " + r.snapshot.RoleName(role) + " implies", right: "list_implied_roles"}
	return single(ctx, r, q, "role_inference", decodeInference)
}
