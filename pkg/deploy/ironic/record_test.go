package ironic

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// patched applies changes as Ironic does.
func patched(t *testing.T, n *baremetal.Node, changes []baremetal.Change) {
	t.Helper()
	for _, c := range changes {
		key := c.Path[len("/instance_info/"):]
		_, there := n.InstanceInfo[key]
		switch {
		case c.Op == "add":
			n.InstanceInfo[key] = c.Value
		case there:
			delete(n.InstanceInfo, key)
		default:
			t.Errorf("%s is removed and not there: Ironic refuses the whole patch", key)
		}
	}
}

func TestRecordComesBack(t *testing.T) {
	n := &baremetal.Node{InstanceInfo: map[string]any{"traits": []any{"CUSTOM_SSD"}, "root_gb": "9", "image_checksum": "old"}}
	r := record{
		entry: entry{Release: deploy.Release{
			App: "hello", Image: "glance://lab/1", SHA256: "ab", Revision: "one", Run: "r-1", By: "alice", Source: "https://code.example/hello",
			Deployed: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
		}, Number: 7, UserData: "cd"},
		ordinal: 3, begun: "2026-05-01T12:00:00+00:00",
		past: []entry{{Release: deploy.Release{App: "hello", Revision: "zero"}, Number: 6}},
	}
	patched(t, n, write(n, r.texts()))
	if diff := cmp.Diff(r, read(n), cmp.AllowUnexported(record{})); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if again := write(n, r.texts()); len(again) != 0 {
		t.Errorf("the same again changes %v", again)
	}
	patched(t, n, erase(n))
	if diff := cmp.Diff(map[string]any{"traits": []any{"CUSTOM_SSD"}}, n.InstanceInfo); diff != "" {
		t.Errorf("left after all is erased (-want +got):\n%s", diff)
	}
}

func TestRecordOfSomethingElse(t *testing.T) {
	n := &baremetal.Node{InstanceInfo: map[string]any{keyApp: 7, keyPast: "{", keyNumber: "x", keyDeployed: "yesterday", keyOrdinal: nil}}
	if diff := cmp.Diff(record{}, read(n), cmp.AllowUnexported(record{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOver: what ran becomes the past, what never did does not.
func TestOver(t *testing.T) {
	const then, now = "2026-05-01T12:00:00+00:00", "2026-05-01T12:03:00+00:00"
	for name, c := range map[string]struct {
		state  string
		app    string
		number int64
		begun  string
		past   string
	}{
		"ran":                           {baremetal.Active, "hello", 2, "", "[2 1]"},
		"ran, and nobody wrote it down": {baremetal.Active, "hello", 2, then, "[2 1]"},
		"never started":                 {baremetal.Active, "hello", 2, now, "[1]"},
		"failed":                        {baremetal.DeployFailed, "hello", 2, then, "[1]"},
		"the same once more":            {baremetal.Active, "hello", 3, "", "[1]"},
		"another application's":         {baremetal.Available, "bye", 2, "", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			old := record{entry: entry{Release: deploy.Release{App: c.app}, Number: c.number}, begun: c.begun, past: []entry{{Number: 1}}}
			n := &baremetal.Node{State: c.state, Changed: now, InstanceInfo: map[string]any{}}
			patched(t, n, write(n, old.texts()))
			r := over(n, entry{Release: deploy.Release{App: "hello"}, Number: 3}, 0)
			var past []int64
			for _, e := range r.past {
				past = append(past, e.Number)
			}
			if got := fmt.Sprint(past); got != c.past || r.begun != now {
				t.Errorf("past %s, begun %s; want %s", got, r.begun, c.past)
			}
		})
	}
}

func TestPastIsNotForEver(t *testing.T) {
	n := &baremetal.Node{State: baremetal.Active, Changed: "x", InstanceInfo: map[string]any{}}
	for number := range int64(30) {
		r := over(n, entry{Release: deploy.Release{App: "hello"}, Number: number + 1}, 0)
		r.begun = ""
		patched(t, n, write(n, r.texts()))
	}
	r := read(n)
	if len(r.past) != maxPast || r.past[0].Number != 29 {
		t.Errorf("%d of the past, the first is %d", len(r.past), r.past[0].Number)
	}
}
