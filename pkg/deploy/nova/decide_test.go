package nova

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fleet reads servers: "b0", or "b0 ERROR", is of generation b with ordinal 0. The order
// is that of their creation.
func fleet(text string) []server {
	var all []server
	for i, one := range strings.Split(text, ", ") {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		s := server{ID: fmt.Sprintf("%s#%d", words[0], i), Status: statusActive, Launched: "then", Created: time.Unix(int64(i), 0)}
		s.record.Generation, s.ordinal = words[0][:1], int(words[0][1]-'0')
		for _, w := range words[1:] {
			switch w {
			case "never":
				s.Launched = ""
			case "deleting":
				s.Task = w
			default:
				s.Status = w
			}
		}
		all = append(all, s)
	}
	return all
}

func (d decision) String() string {
	var text []string
	add := func(what string, all []server) {
		for _, s := range all {
			text = append(text, what+" "+s.ID)
		}
	}
	for n := range 9 {
		if s, is := d.keep[n]; is {
			add("keep", []server{s})
		}
	}
	for _, n := range d.create {
		text = append(text, fmt.Sprint("create ", n))
	}
	add("rebuild", d.rebuild)
	add("first", d.first)
	add("last", d.last)
	return strings.Join(text, ", ")
}

func TestDecide(t *testing.T) {
	for name, tc := range map[string]struct {
		servers, blueGreen, inPlace string
	}{
		"nothing":               {"", "create 0, create 1", "create 0, create 1"},
		"all is well":           {"b0, b1", "keep b0#0, keep b1#1", "keep b0#0, keep b1#1"},
		"an earlier release":    {"a0, a1", "create 0, create 1, last a0#0, last a1#1", "rebuild a0#0, rebuild a1#1"},
		"broken off":            {"a0, a1, b0 BUILD", "keep b0#2, create 1, last a0#0, last a1#1", "keep b0#2, rebuild a1#1, last a0#0"},
		"broken off at the end": {"a1, b0, b1", "keep b0#1, keep b1#2, last a1#0", "keep b0#1, keep b1#2, last a1#0"},
		"twice":                 {"b0 BUILD, b0, b1", "keep b0#0, keep b1#2, last b0#1", "keep b0#0, keep b1#2, last b0#1"},
		"twice, one broken":     {"b0 ERROR, b0, b1", "keep b0#1, keep b1#2, last b0#0", "keep b0#1, keep b1#2, last b0#0"},
		"found no host":         {"b0 ERROR never, b1", "keep b1#1, create 0, first b0#0", "keep b1#1, create 0, first b0#0"},
		"a rebuild that failed": {"b0 ERROR, a1", "create 0, create 1, first b0#0, last a1#1", "rebuild a1#1, rebuild b0#0"},
		"an old one is broken":  {"a0 ERROR, a1", "create 0, create 1, last a1#1, last a0#0", "rebuild a1#1, rebuild a0#0"},
		"fewer":                 {"b0, b1, b2, a3", "keep b0#0, keep b1#1, last b2#2, last a3#3", "keep b0#0, keep b1#1, last b2#2, last a3#3"},
		"being deleted":         {"b0 deleting, b1", "keep b1#1, create 0, last b0#0", "keep b1#1, create 0, last b0#0"},
		"stopped":               {"b0 SHUTOFF, b1", "keep b0#0, keep b1#1", "keep b0#0, keep b1#1"},
	} {
		for inPlace, want := range map[bool]string{false: tc.blueGreen, true: tc.inPlace} {
			servers := fleet(tc.servers)
			d := decide("b", 2, inPlace, servers)
			if d.String() != want {
				t.Errorf("%s, in place %v: %s; want %s", name, inPlace, d, want)
			}
			slices.Reverse(servers) // Nova's order is no matter
			if again := decide("b", 2, inPlace, servers); again.String() != want {
				t.Errorf("%s, in place %v, turned round: %s; want %s", name, inPlace, again, want)
			}
		}
	}
}

// FuzzDecide: every server is accounted for once, and every ordinal comes to one server.
func FuzzDecide(f *testing.F) {
	f.Add("b0, a1 ERROR, b1 ERROR never, b0 deleting", uint8(2), true)
	f.Fuzz(func(t *testing.T, seed string, count uint8, inPlace bool) {
		var all []server
		for i, c := range []byte(seed[:min(len(seed), 50)]) {
			s := server{ID: fmt.Sprint(i), Status: []string{statusActive, statusError, "BUILD", statusOff}[c>>3&3], ordinal: int(c & 7)}
			s.record.Generation = []string{"a", "b"}[c>>5&1]
			s.Launched, s.Task = []string{"", "then"}[c>>6&1], []string{"", "deleting"}[c>>7]
			all = append(all, s)
		}
		n := int(count % 9)
		d := decide("b", n, inPlace, all)
		if got := len(d.keep) + len(d.rebuild) + len(d.first) + len(d.last); got != len(all) {
			t.Errorf("%d of %d servers: %s", got, len(all), d)
		}
		if got := len(d.keep) + len(d.create) + len(d.rebuild); got != n {
			t.Errorf("%d servers of %d: %s", got, n, d)
		}
	})
}
