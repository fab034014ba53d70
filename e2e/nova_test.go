//go:build e2e

package e2e

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// TestNovaBlueGreen: from nothing through releases and back, with addresses that move.
func TestNovaBlueGreen(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "lab-alice", "fleet-"+random())
	f.floatingIPs(1)
	balancer := f.balance()
	one, two := f.image(full("1")), f.image(full("2"))
	if _, err := f.target().Current(t.Context()); !errors.Is(err, deploy.ErrNotDeployed) {
		t.Errorf("before there was anything: %v", err)
	}
	stranger := f.stranger()

	f.mustDeploy(one)
	f.deployedIn(one, 1)
	p, err := f.plan(two)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"created server/" + f.name + "-1-222222222222", "moved floatingip/" + f.spec.FloatingIPs[0] + " from " + f.name + "-0-111111111111",
		"moved pool/web to 2 new members, from 2", "deleted server/" + f.name + "-0-111111111111",
	} {
		if got := describe(p.Changes()); !strings.Contains(got, want) {
			t.Errorf("the plan does not say %q:\n%s", want, got)
		}
	}
	f.mustDeploy(two)
	f.deployedIn(two, 2, 1)
	want := []string{"by-hand"}
	for _, m := range f.machines() {
		want = append(want, "ystack-"+f.name+"-"+m.ID)
	}
	if got := balancer.names(); !slices.Equal(got, want) || balancer.fewest < 2 {
		t.Errorf("members are %q, want %q; at a time there were %d", got, want, balancer.fewest)
	}

	p, err = f.target().Rollback(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := f.apply(p); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if all := f.machines(); !strings.HasSuffix(all[0].Name, "-0-111111111111") || all[0].Metadata["ystack_number"] != "3" {
		t.Errorf("rolled back: %+v", all)
	}
	if _, err := f.target().Rollback(t.Context(), 7); !errors.Is(err, deploy.ErrNoRevision) || !strings.Contains(err.Error(), "it has 1, 2, 3") {
		t.Errorf("to a release that never was: %v", err)
	}
	one.Run = ""
	f.spec.Count = new(int32(1))
	f.mustDeploy(one)
	if f.openstack("server", "show", "-f", "value", "-c", "status", stranger) != "ACTIVE" {
		t.Error("a server that is not the application's was touched")
	}
}

// TestNovaRebuild: servers keep their ids and ports, and one at a time is out of service.
func TestNovaRebuild(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "lab-carol", "fleet-"+random())
	f.spec.Strategy = "rebuild"
	one, two := f.image(full("1")), f.image(full("2"))
	f.mustDeploy(one)
	before := f.machines()
	worst := 0
	f.with(f.outOfService(&worst))
	f.mustDeploy(two)
	f.with(nil)
	after := f.machines()
	for i := range after {
		if after[i].ID != before[i].ID {
			t.Errorf("server %s is another one than before", after[i].Name)
		}
	}
	if worst != 1 {
		t.Errorf("%d servers were out of service at a time", worst)
	}
	f.deployedIn(two, 2, 1)

	f.spec.Flavor = "m1.small"
	if _, err := f.plan(one); err == nil || !strings.Contains(err.Error(), "which a rebuild keeps; use strategy blue-green") {
		t.Errorf("another flavor: %v", err)
	}
}

// TestNovaRefuses: what cannot succeed is known before anything is done.
func TestNovaRefuses(t *testing.T) {
	f := newFleet(t, "lab-alice", "fleet-"+random())
	one := f.image(full("1"))
	plain := f.spec
	for name, tc := range map[string]struct {
		change func()
		want   string
	}{
		"flavor":         {func() { f.spec.Flavor = "m1.tinny" }, `the cloud has no flavor "m1.tinny"; did you mean "m1.tiny"?; it has m1.huge, m1.nowhere, m1.small, m1.tiny`},
		"network":        {func() { f.spec.Networks = []string{"privat"} }, `no network "privat"; did you mean "private"?`},
		"key pair":       {func() { f.spec.KeyPair = "nosuch" }, `no key pair "nosuch"; it has none`},
		"security group": {func() { f.spec.SecurityGroups = []string{"defalt"} }, `no security group "defalt"; did you mean "default"?`},
		"address":        {func() { f.spec.FloatingIPs = []string{"198.18.51.9"} }, `no floating address "198.18.51.9"`},
		"user data":      {func() { f.spec.UserData = "nosuch.yaml" }, "spec.deploy.vm.userData: open "},
		"quota":          {func() { f.spec.Flavor = "m1.huge" }, "of 51200 MiB of ram are used and 2097152 more are needed"},
		"instances":      {func() { f.spec.Count = new(int32(500)) }, "of 10 instances are used and 500 more are needed"},
	} {
		f.spec = plain
		tc.change()
		if _, err := f.plan(one); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
	}
	f.spec = plain
	for want, r := range map[string]deploy.Release{
		"no image of this name or id":                                   {Image: "glance://lab-alice/nosuch"},
		"images of its own cloud only; copy it there: openstack ystack": {Image: "glance://elsewhere/x"},
		"it is another image, deploy that or build again":               {Image: one.Image, SHA256: full("f")},
		"says not where": {Image: "nosuch"},
	} {
		if _, err := f.plan(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", r.Image, err, want)
		}
	}
	// One that is still to be made is rehearsed.
	if p, err := f.plan(deploy.Release{Revision: full("3")}); err != nil || len(p.Changes()) != 2 {
		t.Errorf("a rehearsal: %v", err)
	} else if _, err := f.apply(p); err == nil {
		t.Error("a rehearsal was applied")
	}
	if len(f.machines()) != 0 || len(f.seen) != 0 {
		t.Errorf("something was done: %q", f.seen)
	}
}
