package tenancy

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

func compareScopes(a, b Scope) int {
	return cmp.Or(
		strings.Compare(a.ProjectID, b.ProjectID),
		strings.Compare(a.DomainID, b.DomainID),
		compareBools(a.System, b.System),
	)
}

func compareAssignments(a, b Assignment) int {
	return cmp.Or(
		compareScopes(a.Scope, b.Scope),
		strings.Compare(a.UserID, b.UserID),
		strings.Compare(a.GroupID, b.GroupID),
		strings.Compare(a.RoleID, b.RoleID),
		compareBools(a.Inherited, b.Inherited),
	)
}

// compareBools has false first.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// sorted puts assignments in order, each once.
func sorted(list []Assignment) []Assignment {
	sort.Slice(list, func(i, k int) bool { return compareAssignments(list[i], list[k]) < 0 })
	return slices.Compact(list)
}

// missing are those of a that b has not. Both are sorted.
func missing(a, b []Assignment) []Assignment {
	var gone []Assignment
	for _, x := range a {
		for len(b) > 0 && compareAssignments(b[0], x) < 0 {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != x {
			gone = append(gone, x)
		}
	}
	return gone
}
