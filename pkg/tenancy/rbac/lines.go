package rbac

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// ErrUnsayable: ABAC has no line for it that would not grant all of a kind.
var ErrUnsayable = errors.New("cannot be said in a policy file")

// Everywhere is the namespace of lines that hold in all namespaces and outside of them.
const Everywhere = "*"

// Lines are what rules grant to who, in a namespace or [Everywhere], as lines of an ABAC
// policy. The format has neither verbs nor subresources nor names: a rule that allows any
// writing makes a line that allows all writing of the resource.
//
// In a namespace nothing is written that would let people out of it, or change what
// bounds them: the namespace itself, RBAC's objects, quotas. Of these only reading is
// granted, although a role may say more; RBAC itself has to grant that, and without it
// such objects have no effect.
func Lines(rules []Rule, who Subject, namespace string) ([]abac.Rule, error) {
	var lines []abac.Rule
	for _, r := range rules {
		reads, writes := r.effects()
		for _, resource := range r.Resources {
			base, sub, _ := strings.Cut(resource, "/")
			if base == "*" && sub != "" {
				return nil, fmt.Errorf("a role for %s of every resource %w", sub, ErrUnsayable)
			}
			for _, apiGroup := range r.APIGroups {
				line := abac.Rule{User: who.User, Group: who.Group, Namespace: namespace, APIGroup: apiGroup, Resource: base}
				line.Readonly = !writes || namespace != Everywhere && bounds(apiGroup, base)
				if !line.Readonly || reads {
					lines = append(lines, line)
				}
			}
		}
		if namespace != Everywhere {
			continue // a RoleBinding gives no paths
		}
		for _, path := range r.NonResourceURLs {
			lines = append(lines, abac.Rule{User: who.User, Group: who.Group, NonResourcePath: path, Readonly: !writes})
		}
	}
	return spare(lines), nil
}

// effects tells reading from writing as ABAC does.
func (r Rule) effects() (reads, writes bool) {
	for _, verb := range r.Verbs {
		switch verb {
		case "get", "list", "watch":
			reads = true
		case "*":
			return true, true
		default:
			writes = true
		}
	}
	return reads, writes
}

// bounds are the resources that hold a tenant in his namespace.
func bounds(apiGroup, resource string) bool {
	switch apiGroup {
	case "":
		return resource == "namespaces" || resource == "resourcequotas"
	case "rbac.authorization.k8s.io":
		return true
	}
	return false
}

// spare drops lines that another one has all of.
func spare(lines []abac.Rule) []abac.Rule {
	writable := map[abac.Rule]bool{}
	for _, l := range lines {
		if !l.Readonly {
			writable[l] = true
		}
	}
	seen := map[abac.Rule]bool{}
	return slices.DeleteFunc(lines, func(l abac.Rule) bool {
		twin := l
		twin.Readonly = false
		was := seen[l] || l.Readonly && writable[twin]
		seen[l] = true
		return was
	})
}
