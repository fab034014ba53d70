package ironic

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/baremetal"
)

// slot is one of the application's places, and what is there.
type slot struct {
	ordinal    int
	allocation *baremetal.Allocation // nil if there is none
	node       *baremetal.Node       // nil if the allocation has none
	record     record
}

// name is that of the slot's allocation. Ordinals have no hyphen, so that no two
// applications share one.
func (t *Target) name(ordinal int) string { return fmt.Sprintf("ystack-%s-%d", t.app, ordinal) }

// ordinal is that of an allocation of ours.
func (t *Target) ordinal(a *baremetal.Allocation) (int, bool) {
	digits, ours := strings.CutPrefix(a.Name, "ystack-"+t.app+"-")
	ordinal, err := strconv.Atoi(digits)
	return ordinal, ours && err == nil && t.name(ordinal) == a.Name && a.Extra[keyApp] == t.app
}

// observe finds what the application has, by ordinal.
func (t *Target) observe(ctx context.Context) ([]*slot, error) {
	all, err := t.client.Allocations(ctx)
	if err != nil {
		return nil, err
	}
	var slots []*slot
	for _, a := range all {
		ordinal, ours := t.ordinal(a)
		if !ours {
			continue
		}
		s := &slot{ordinal: ordinal, allocation: a}
		if err := t.look(ctx, s); err != nil {
			return nil, err
		}
		slots = append(slots, s)
	}
	sort.Slice(slots, func(i, j int) bool { return slots[i].ordinal < slots[j].ordinal })
	return slots, nil
}

// look reads the allocation's node and its record.
func (t *Target) look(ctx context.Context, s *slot) error {
	s.node, s.record = nil, record{}
	if s.allocation == nil || s.allocation.Node == "" {
		return nil
	}
	return t.client.Retry(ctx, func() error { return t.lookOnce(ctx, s) })
}

func (t *Target) lookOnce(ctx context.Context, s *slot) error {
	n, err := t.client.Node(ctx, s.allocation.Node)
	if baremetal.Gone(err) || err == nil && n.Instance == "" {
		// Deleted by somebody, with the allocation left, or just being undeployed.
		s.node, s.record = nil, record{}
		return nil
	}
	if err != nil {
		return err
	}
	if n.Instance != s.allocation.UUID {
		return fmt.Errorf("node %s belongs to allocation %s, but says that it is %s's: somebody has changed it by hand", n, s.allocation.Name, n.Instance)
	}
	s.node, s.record = n, read(n)
	if s.record.App != t.app {
		s.record = record{} // left by somebody else, before it was ours
	}
	return nil
}

// fits tells whether the slot's node is one as the spec wants it.
func (t *Target) fits(s *slot) bool {
	a := s.allocation
	if a.ResourceClass != t.spec.ResourceClass {
		return false
	}
	for _, trait := range t.spec.Traits {
		if !slices.Contains(a.Traits, trait) && (s.node == nil || !slices.Contains(s.node.Traits, trait)) {
			return false
		}
	}
	return true
}

// lost tells whether the allocation has no node that could be of use.
func (s *slot) lost() bool {
	return s.allocation.State == baremetal.AllocationError || s.node == nil && s.allocation.State != baremetal.Allocating ||
		s.node != nil && (s.node.State == baremetal.Failed || s.node.State == baremetal.Deleting)
}

// title names the slot's node for people.
func (t *Target) title(s *slot) string {
	if s.node != nil {
		return s.node.String()
	}
	return t.name(s.ordinal)
}
