package ironic

import (
	"testing"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
)

func TestNext(t *testing.T) {
	want := entry{Release: deploy.Release{App: "hello", Image: "glance://lab/2", Revision: "two"}, Number: 2}
	old := entry{Release: deploy.Release{App: "hello", Image: "glance://lab/1", Revision: "one"}, Number: 1}
	otherRevision, otherData := want, want
	otherRevision.Revision, otherRevision.Number = "three", 3
	otherData.UserData = "abc"
	const then, now = "2026-05-01T12:00:00+00:00", "2026-05-01T12:03:00+00:00"
	for name, c := range map[string]struct {
		state string
		has   entry
		begun string // the node's last change is at now
		tried bool
		want  step
	}{
		"a new node":                              {baremetal.Available, entry{}, "", false, begin},
		"written down, by whoever":                {baremetal.Available, want, now, false, begin},
		"written down, by us":                     {baremetal.Available, want, now, true, start},
		"under way":                               {baremetal.Deploying, want, then, true, wait},
		"under way, begun by another run":         {baremetal.DeployWait, want, then, false, wait},
		"another release under way":               {baremetal.Deploying, old, then, false, wait},
		"deployed":                                {baremetal.Active, want, then, true, finish},
		"deployed by a run that was killed":       {baremetal.Active, want, then, false, finish},
		"deployed, and written down":              {baremetal.Active, want, "", false, done},
		"an older release":                        {baremetal.Active, old, "", false, begin},
		"an older release that is not written up": {baremetal.Active, old, then, false, begin},
		"a rebuild, written down by us":           {baremetal.Active, want, now, true, start},
		"a rebuild, written down by another":      {baremetal.Active, want, now, false, begin},
		"the same image for another revision":     {baremetal.Active, otherRevision, "", false, note},
		"other user data":                         {baremetal.Active, otherData, "", false, begin},
		"failed now":                              {baremetal.DeployFailed, want, then, true, failed},
		"failed before":                           {baremetal.DeployFailed, want, then, false, begin},
		"failed before, begun again":              {baremetal.DeployFailed, want, now, true, start},
		"failed with another release":             {baremetal.DeployFailed, old, then, false, begin},
		"somebody else's release":                 {baremetal.Active, old, "", true, failed},
		"rescued":                                 {"rescue", want, "", false, failed},
		"given back by somebody":                  {baremetal.Cleaning, want, then, true, failed},
	} {
		t.Run(name, func(t *testing.T) {
			n := &baremetal.Node{State: c.state, Changed: now}
			if got := next(n, record{entry: c.has, begun: c.begun}, want, c.tried); got != c.want {
				t.Errorf("step %d; want %d", got, c.want)
			}
		})
	}
}
