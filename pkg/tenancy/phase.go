package tenancy

import (
	"cmp"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
)

// phase is one of the steps of a run. Its changes do not depend on each other.
type phase int

const (
	phasePolicy phase = iota
	phaseRevoke       // before all that may fail
	phaseNamespaces
	phaseGrant
	phaseReplace
	phaseQuarantine
	phaseDelete
)

func (p phase) String() string {
	return [...]string{"policy", "revocations", "namespaces", "bindings", "replaced", "quarantine", "deletions"}[p]
}

func (c Change) phase() phase {
	if c.Object.Kind == kindPolicy {
		return phasePolicy // a file is written whole
	}
	switch c.Action {
	case Revoke:
		return phaseRevoke
	case Replace:
		return phaseReplace
	case Quarantine:
		return phaseQuarantine
	case Delete:
		return phaseDelete
	case Create, Update:
	}
	if c.Object.Kind == "Namespace" {
		return phaseNamespaces
	}
	return phaseGrant
}

func compareChanges(a, b Change) int {
	return cmp.Or(cmp.Compare(a.phase(), b.phase()), compareObjects(a.Object, b.Object))
}

// sortChanges is no generic sort: the code of that for a struct so large takes 25 KB.
func sortChanges(all []Change) {
	sort.Slice(all, func(i, j int) bool { return compareChanges(all[i], all[j]) < 0 })
}

// fewRemovals are not held back for their share: in a small cluster every one is a large
// one.
const fewRemovals = 5

// tripped says which cap so many removals are above, or "".
func tripped(caps app.Caps, removals, existing int) string {
	most := app.DefaultRemovals
	if caps.Removals != nil {
		most = int(*caps.Removals)
	}
	if removals > most {
		return fmt.Sprintf("%d removals are more than spec.caps.removals allows (%d)", removals, most)
	}
	share, err := strconv.Atoi(strings.TrimSuffix(caps.Share, "%"))
	if err == nil && removals > fewRemovals && removals*100 > existing*share {
		return fmt.Sprintf("%d removals of %d namespaces and bindings are more than spec.caps.share allows (%s)", removals, existing, caps.Share)
	}
	return ""
}
