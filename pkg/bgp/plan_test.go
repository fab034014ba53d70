package bgp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// service is NAMESPACE/NAME with addresses and an annotation.
func service(ref, annotation string, ips ...string) Service {
	var s Service
	s.Metadata.Namespace, s.Metadata.Name, _ = strings.Cut(ref, "/")
	s.Metadata.UID = "uid-of-" + ref
	if annotation != "" {
		s.Metadata.Annotations = map[string]string{Annotation: annotation}
	}
	s.Spec.Type, s.Spec.ClusterIPs = "ClusterIP", ips
	if len(ips) > 0 {
		s.Spec.ClusterIP = ips[0]
	}
	return s
}

func record(l List, pairs ...string) Record {
	r := Record{}
	for i := 0; i < len(pairs); i += 2 {
		r.add(l, pairs[i], pairs[i+1])
	}
	return r
}

func TestPlan(t *testing.T) {
	const theirs = "10.200.0.0/28"
	hello := service("default/hello", "true", "10.96.0.7")
	for name, c := range map[string]struct {
		entries  []string
		own      Record
		services []Service
		ranges   Record
		after    []string // nil: no change
		record   Record
	}{
		"first":                   {nil, nil, []Service{hello}, nil, []string{"10.96.0.7/32"}, record(ClusterIPs, "10.96.0.7/32", "default/hello")},
		"beside others":           {[]string{theirs}, nil, []Service{hello}, nil, []string{theirs, "10.96.0.7/32"}, record(ClusterIPs, "10.96.0.7/32", "default/hello")},
		"is there by us":          {[]string{"10.96.0.7/32"}, record(ClusterIPs, "10.96.0.7/32", "default/hello"), []Service{hello}, nil, nil, record(ClusterIPs, "10.96.0.7/32", "default/hello")},
		"is there by others":      {[]string{"10.96.0.7"}, nil, []Service{hello}, nil, nil, Record{}},
		"not ours, not withdrawn": {[]string{"10.96.0.7/32"}, nil, nil, nil, nil, Record{}},
		"withdrawn":               {[]string{"10.96.0.7/32", theirs}, record(ClusterIPs, "10.96.0.7/32", "default/hello"), nil, nil, []string{theirs}, Record{}},
		"the last withdrawn":      {[]string{"10.96.0.7/32"}, record(ClusterIPs, "10.96.0.7/32", "default/hello"), nil, nil, []string{}, Record{}},
		"another address":         {[]string{"10.96.0.9/32"}, record(ClusterIPs, "10.96.0.9/32", "default/hello"), []Service{hello}, nil, []string{"10.96.0.7/32"}, record(ClusterIPs, "10.96.0.7/32", "default/hello")},
		"removed by hand":         {nil, record(ClusterIPs, "10.96.0.7/32", "default/hello"), []Service{hello}, nil, []string{"10.96.0.7/32"}, record(ClusterIPs, "10.96.0.7/32", "default/hello")},
		"both families": {
			nil, nil,
			[]Service{service("a/b", "true", "fd00::7", "10.96.0.7")},
			nil,
			[]string{"10.96.0.7/32", "fd00::7/128"},
			record(ClusterIPs, "10.96.0.7/32", "a/b", "fd00::7/128", "a/b"),
		},
		"range": {nil, nil, nil, record(ClusterIPs, "10.96.0.0/16", "range"), []string{"10.96.0.0/16"}, record(ClusterIPs, "10.96.0.0/16", "range")},
		"unreadable entries stay": {
			[]string{"what?", ""},
			record(ClusterIPs, "10.9.9.9/32", "a/gone"),
			[]Service{hello},
			nil,
			[]string{"what?", "", "10.96.0.7/32"},
			record(ClusterIPs, "10.96.0.7/32", "default/hello"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			wanted, problems := want(c.services, c.own, c.ranges, nil)
			if problems != nil {
				t.Error(problems)
			}
			changes, after := plan(map[List][]string{ClusterIPs: c.entries}, c.own, wanted)
			if diff := cmp.Diff(c.record.String(), after.String()); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			switch {
			case c.after == nil && len(changes) > 0, c.after != nil && len(changes) != 1:
				t.Fatalf("changes %+v", changes)
			case c.after != nil:
				if diff := cmp.Diff(strings.Join(c.after, " "), strings.Join(changes[0].After, " ")); diff != "" {
					t.Errorf("entries (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestWantProblems(t *testing.T) {
	external := service("a/external", "external-ips,load-balancer-ips", "10.96.0.1")
	external.Spec.ExternalIPs = []string{"192.0.2.7"}
	name := service("a/name", "true")
	name.Spec.Type = "ExternalName"
	wanted, problems := want([]Service{external, name, service("a/none", "true", "None"), service("a/typo", "ture", "10.96.0.2")}, nil, nil, []string{"a/external"})
	if diff := cmp.Diff(record(ExternalIPs, "192.0.2.7/32", "a/external"), wanted); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Error())
	}
	got := strings.Join(texts, "\n")
	for _, want := range []string{"a/external has no address of a load balancer", "a/name is of type ExternalName", "a/none is headless", `a/typo: ystack.dev/advertise-clusterip="ture"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no problem says %q:\n%s", want, got)
		}
	}
}

// An annotation alone does not announce an address that its writer has made up.
func TestWantExternalIPs(t *testing.T) {
	s := service("a/external", "external-ips", "10.96.0.1")
	s.Spec.ExternalIPs = []string{"192.0.2.7"}
	there := record(ExternalIPs, "192.0.2.7/32", "a/external")
	for name, c := range map[string]struct {
		own   Record
		asked []string
		want  Record
	}{
		"annotated":         {nil, nil, Record{}},
		"somebody else's":   {record(ExternalIPs, "192.0.2.7/32", "b/other"), nil, Record{}},
		"asked for":         {nil, []string{"a/external"}, there},
		"announced already": {there, nil, there},
	} {
		wanted, problems := want([]Service{s}, c.own, nil, c.asked)
		if diff := cmp.Diff(c.want, wanted); diff != "" || (len(problems) > 0) != (len(c.want) == 0) {
			t.Errorf("%s: %v (-want +got):\n%s", name, problems, diff)
		}
	}
}

// Whatever Services come and go, and whatever others write into the list: what
// is wanted is there, what others wrote stays, and of ours nothing else is left.
func TestPlanProperties(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	var entries []string
	own := Record{}
	theirs := map[string]bool{}
	for round := range 300 {
		var services []Service
		for i := range random.IntN(6) {
			services = append(services, service(fmt.Sprintf("ns/s%d", i), "true", fmt.Sprintf("10.96.0.%d", random.IntN(8))))
		}
		if e := fmt.Sprintf("10.96.0.%d/32", random.IntN(8)); random.IntN(3) == 0 && own[ClusterIPs][e] == "" && !theirs[e] {
			entries, theirs[e] = append(entries, e), true
		}
		wanted, _ := want(services, own, nil, nil)
		changes, after := plan(map[List][]string{ClusterIPs: entries}, own, wanted)
		for _, c := range changes {
			entries = c.After
		}
		own = after
		have := map[string]bool{}
		for _, e := range entries {
			if have[e] {
				t.Fatalf("seed %d, round %d: %s twice in %v", seed, round, e, entries)
			}
			have[e] = true
			if wanted[ClusterIPs][e] == "" && !theirs[e] {
				t.Fatalf("seed %d, round %d: %s is left in %v", seed, round, e, entries)
			}
		}
		for e := range wanted[ClusterIPs] {
			if !have[e] {
				t.Fatalf("seed %d, round %d: %s is not in %v", seed, round, e, entries)
			}
		}
		for e := range theirs {
			if !have[e] || own[ClusterIPs][e] != "" {
				t.Fatalf("seed %d, round %d: %s, which is theirs, is gone from %v or in %v", seed, round, e, entries, own)
			}
		}
	}
}
