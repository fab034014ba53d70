package tenancy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// ErrRefused: what Keystone says cannot be true of this cluster, or leaves nothing of it.
var ErrRefused = errors.New("refused")

// Plan is what makes a cluster as Keystone and a TenantSync want it: changes in the order
// in which they are made.
type Plan struct {
	Config  app.TenantSync `json:"config"`
	Server  string         `json:"server"`
	Options PlanOptions    `json:"options"`
	Changes []Change       `json:"changes"`
	// Held are removals that would be more than the caps allow: none is made.
	Held []Change `json:"held,omitempty"`
	Caps string   `json:"caps,omitempty"` // which was tripped, and by what
	// Conflicts are projects that are left as they are, and why.
	Conflicts []string `json:"conflicts,omitempty"`
	// Namespaces are how many projects have one when all is done.
	Namespaces int `json:"namespaces"`

	policy  *policy // to be written; nil if there is no policy file
	secrets Secrets // what copies are made of
}

// policy is a whole ABAC policy file.
type policy struct {
	path, comment string
	rules         []abac.Rule
}

// PlanOptions are all optional.
type PlanOptions struct {
	// DeleteOlderThan deletes namespaces that were quarantined so long ago.
	DeleteOlderThan *time.Duration `json:"deleteOlderThan,omitempty"`
	// WithoutRBAC makes no RoleBindings, and takes away those that are there.
	WithoutRBAC bool `json:"withoutRBAC,omitempty"`
	// PolicyFile is the ABAC policy file that is written; none if it is empty.
	PolicyFile string `json:"policyFile,omitempty"`
	// PolicyInclude are policy files whose lines are in it as well.
	PolicyInclude []string `json:"policyInclude,omitempty"`
}

// Action is what a change does.
type Action string

// Actions on namespaces and bindings.
const (
	Create     Action = "create"
	Update     Action = "update"
	Revoke     Action = "revoke"     // a binding goes
	Replace    Action = "replace"    // a binding goes, after another has come for the same role
	Quarantine Action = "quarantine" // a namespace whose project is gone is marked
	Delete     Action = "delete"     // a namespace goes
)

// Change is one object created, changed or removed.
type Change struct {
	Action Action `json:"action"`
	Object Object `json:"object"`
	Reason string `json:"reason"`
}

// String is "+ namespace web for project web (corp)".
func (c Change) String() string {
	sign, joint := "-", ": "
	switch {
	case c.Action == Create:
		sign = "+"
	case c.Action == Update, c.Action == Quarantine:
		sign = "~"
	}
	if strings.HasPrefix(c.Reason, "for ") {
		joint = " "
	}
	return sign + " " + c.Object.String() + joint + c.Reason
}

// checkRoles refuses roles that are none. One that is misspelt would leave without access
// everybody who has the one that was meant.
func checkRoles(config *app.TenantSync, s *Snapshot, c *Cluster) error {
	inKeystone := map[string]bool{}
	for _, r := range s.Roles {
		inKeystone[r.Name] = inKeystone[r.Name] || r.DomainID == ""
	}
	for i, m := range slices.Concat(config.Spec.Roles, config.Spec.SystemRoles) {
		where := fmt.Sprintf("spec.roles[%d]", i)
		if system := i - len(config.Spec.Roles); system >= 0 {
			where = fmt.Sprintf("spec.systemRoles[%d]", system)
		}
		global, known := inKeystone[m.Role]
		switch {
		case slices.Contains(c.NoClusterRoles, m.ClusterRole):
			return fmt.Errorf("%s: the cluster has no ClusterRole %s", where, m.ClusterRole)
		case known && !global:
			return fmt.Errorf("%s: role %s is a domain's own, which is in no token: name a role that it implies", where, quoted(m.Role))
		case !known && !slices.Contains(app.DefaultRoles(), m):
			return fmt.Errorf("%s: Keystone has no role %s", where, quoted(m.Role))
		}
	}
	return nil
}

// NewPlan compares what is wanted with what is there.
func NewPlan(config *app.TenantSync, s *Snapshot, c *Cluster, now time.Time, o PlanOptions) (*Plan, error) {
	access := s.Expand()
	wanted, err := tenants(config, s, access)
	if err != nil {
		return nil, err
	}
	if err := checkRoles(config, s, c); err != nil {
		return nil, located(config, err)
	}
	p := &planner{config: config, snapshot: s, access: access, tenants: wanted, now: now, options: o, file: c.Policy}
	p.sort(c)
	if err := p.checkCloud(); err != nil {
		return nil, err
	}
	p.namespaces()
	p.bindings()
	p.secrets(c.Secrets)
	if err := p.policy(c); err != nil {
		return nil, err
	}
	plan := p.plan()
	plan.secrets = c.Secrets
	return plan, nil
}
