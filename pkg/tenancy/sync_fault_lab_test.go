//go:build e2e

package tenancy

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestLabFaultsTakeNothing: whatever is wrong with an answer of Keystone's, nothing is
// taken from anybody: there is an error, or nothing to do.
func TestLabFaultsTakeNothing(t *testing.T) {
	s := newStage(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		id := s.project(name)
		s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["manager"], Scope: Scope{ProjectID: id}})
	}
	s.sync()
	all := int32(1 << 30)
	s.config.Spec.Caps.Removals, s.config.Spec.Caps.Share = &all, "100%" // they would hide it
	var refused atomic.Int32
	var waiting errgroup.Group // what is tried again takes its time
	waiting.SetLimit(4)
	for _, l := range lists {
		for _, f := range faults {
			if f.once || !slices.Contains([]string{"projects", "role_assignments", "role_inferences"}, l.name) {
				continue // that Read notices all is another test's
			}
			var spoiled atomic.Int32
			session := throughProxy(t, l.path, func(r *http.Response, body map[string]any) {
				spoiled.Add(1)
				f.spoil(r, body, l.key)
			})
			waiting.Go(func() error {
				p, err := Prepare(t.Context(), session, s.Client, s.config, PlanOptions{})
				switch {
				case spoiled.Load() == 0:
					t.Errorf("%s, %s: nothing was spoiled", l.name, f.name)
				case err != nil:
					refused.Add(1)
				case len(p.Changes)+len(p.Held) > 0:
					t.Errorf("%s, %s: %v %v", l.name, f.name, p.Changes, p.Held)
				}
				return nil
			})
		}
	}
	_ = waiting.Wait()
	t.Logf("%d times refused", refused.Load())
	s.settled()
}
