package tenancy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/tenancy/abac"
	"github.com/ystackdev/ystack/pkg/tenancy/rbac"
)

// PolicyFile is the ABAC policy file as it is, and what it must go on saying.
type PolicyFile struct {
	Path string
	// Rules are those that we have written.
	Rules []abac.Rule
	// Kept are those of files that somebody else writes: they are always in it.
	Kept []abac.Rule
}

// policyMark begins the first line of the files that we write.
const policyMark = "ystack tenant-sync "

// ReadPolicyFile reads the file that is about to be written anew, if it is there, and
// those that are to be kept in it. One that we have not written is refused.
func ReadPolicyFile(path string, keep []string) (*PolicyFile, error) {
	f := &PolicyFile{Path: path}
	for _, file := range keep {
		p, err := abac.Load(file)
		if err != nil {
			return nil, err
		}
		f.Kept = append(f.Kept, p.Rules...)
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(bytes.TrimSpace(data)) == 0:
		return f, nil
	case err != nil:
		return nil, err
	case !bytes.HasPrefix(data, []byte("# "+policyMark)):
		return nil, fmt.Errorf("%s was not written by tenant-sync, and would be overwritten: move it, and say --policy-include if its lines are to stay", path)
	}
	p, err := abac.Parse(path, data)
	if err != nil {
		return nil, err
	}
	f.Rules = p.Rules
	return f, nil
}

// unit is what of a policy comes and goes at once: the lines of one subject in one
// namespace.
type unit struct {
	subject rbac.Subject
	place   string // "" for what is outside of namespaces, "*" for all
}

type lines struct {
	rules  []abac.Rule
	reason string
}

// included are the lines of --policy-include, whosever they are.
var included = unit{rbac.Subject{User: "--policy-include"}, ""}

// everyone is what RBAC lets everybody do who is authenticated: find out what there is,
// and what he himself may do.
var everyone = []rbac.Rule{
	{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"}},
	{Verbs: []string{"create"}, APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"selfsubjectreviews"}},
}

var everyonesPaths = []string{"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"}

// policy plans the file's lines.
func (p *planner) policy(c *Cluster) error {
	if p.file == nil {
		return nil
	}
	wanted, err := p.wantedLines(c)
	if err != nil {
		return located(p.config, err)
	}
	p.wantedUnits, p.fileUnits = wanted, unitsOf(p.file)
	p.existing += len(p.fileUnits)
	for u, is := range wanted {
		was, there := p.fileUnits[u]
		switch {
		case !there:
			p.change(Create, u.object(nil, is.rules), is.reason)
		case !sameLines(was, is.rules):
			p.change(Update, u.object(was, is.rules), is.reason)
		}
	}
	for u, was := range p.fileUnits {
		if _, stays := wanted[u]; stays {
			continue
		}
		why := p.left[u.place]
		if why == "" {
			why = "nobody has this role there any more, or it grants nothing"
		}
		p.change(Revoke, u.object(was, nil), why)
	}
	return nil
}

// wantedLines are those of everybody, of the tenants' roles, and of roles on the system.
func (p *planner) wantedLines(c *Cluster) (map[unit]lines, error) {
	all := map[unit]lines{}
	add := func(roles []tenantRole, on, place string) error {
		for _, r := range roles {
			rules, known := c.Rules[r.mapping.ClusterRole]
			if !known {
				return fmt.Errorf("this account may not look at ClusterRole %s, whose rules a policy file has to say: it needs the verb get", r.mapping.ClusterRole)
			}
			for _, s := range r.subjects {
				u := unit{s.inRequests(""), place}
				some, err := rbac.Lines(rules, u.subject, place)
				if err != nil {
					return fmt.Errorf("ClusterRole %s: %w", r.mapping.ClusterRole, err)
				}
				is := all[u]
				is.rules = append(is.rules, some...)
				if is.reason == "" {
					is.reason = fmt.Sprintf("%s on %s → %s, because %s", quoted(r.role.Name), on, r.mapping.ClusterRole, r.because)
				}
				all[u] = is
			}
		}
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(p.places)) {
		if err := add(p.tenants[id].roles, quoted(p.tenants[id].project.Name), p.places[id]); err != nil {
			return nil, err
		}
	}
	roles := grantingRoles(p.config, p.snapshot, p.access, Scope{System: true}, p.config.Spec.SystemRoles)
	if err := add(roles, "the system", rbac.Everywhere); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(_ unit, is lines) bool { return len(is.rules) == 0 })
	all[unit{rbac.Subject{Group: abac.Authenticated}, ""}] = lines{everyonesLines(), "what everybody may ask who is authenticated"}
	if len(p.file.Kept) > 0 {
		all[included] = lines{p.file.Kept, "the lines of others"}
	}
	return all, nil
}

func everyonesLines() []abac.Rule {
	group := rbac.Subject{Group: abac.Authenticated}
	rules, err := rbac.Lines(everyone, group, "")
	if err != nil {
		panic("tenancy: " + err.Error())
	}
	for _, path := range everyonesPaths {
		rules = append(rules, abac.Rule{Group: group.Group, NonResourcePath: path, Readonly: true})
	}
	return rules
}

// policyRules are the whole file: what is wanted, and what may not be taken away now.
func (p *planner) policyRules(held []Change) []abac.Rule {
	var all []abac.Rule
	for _, is := range p.wantedUnits {
		all = append(all, is.rules...)
	}
	for _, c := range held {
		if c.Object.Kind == kindPolicy {
			all = append(all, p.fileUnits[c.Object.unit()]...)
		}
	}
	return all
}

// unitsOf are the lines that we have written, by what they belong to.
func unitsOf(f *PolicyFile) map[unit][]abac.Rule {
	kept := map[abac.Rule]bool{}
	for _, r := range f.Kept {
		kept[unnumbered(r)] = true
	}
	all := map[unit][]abac.Rule{}
	for _, r := range f.Rules {
		if r = unnumbered(r); kept[r] {
			all[included] = append(all[included], r)
			continue
		}
		u := unit{rbac.Subject{User: r.User, Group: r.Group}, r.Namespace}
		if r.Resource == "" && r.Group != abac.Authenticated {
			u.place = rbac.Everywhere // paths are of roles on the system
		}
		all[u] = append(all[u], r)
	}
	return all
}

func unnumbered(r abac.Rule) abac.Rule {
	r.Line = 0
	return r
}

func sameLines(a, b []abac.Rule) bool {
	set := func(rules []abac.Rule) map[abac.Rule]bool {
		all := map[abac.Rule]bool{}
		for _, r := range rules {
			all[unnumbered(r)] = true
		}
		return all
	}
	return maps.Equal(set(a), set(b))
}

// kindPolicy is the kind of objects that are lines of the policy file.
const kindPolicy = "Policy"

// object stands for a unit in a plan. Its version changes with what is in the file and
// with what is to be in it.
func (u unit) object(was, is []abac.Rule) Object {
	kind, name := "Group", u.subject.Group
	if name == "" {
		kind, name = "User", u.subject.User
	}
	return Object{
		Kind:     kindPolicy,
		Metadata: Metadata{Namespace: u.place, Name: name, ResourceVersion: hashOf(encoded(was), encoded(is))},
		Subjects: []Subject{{Kind: kind, APIGroup: rbacGroup, Name: name}},
	}
}

// encoded is the same for the same lines in any order.
func encoded(rules []abac.Rule) string {
	data, err := abac.Encode(rules)
	if err != nil {
		return err.Error() // writing them will say it
	}
	return string(data)
}

func (o Object) unit() unit { return unit{o.Subjects[0].inRequests(""), o.Metadata.Namespace} }

// policyComment is the first line of the file.
func policyComment(config *app.TenantSync) string {
	return policyMark + strings.Join([]string{config.Metadata.Name, "writes this file anew: what is changed here is lost"}, " ")
}
