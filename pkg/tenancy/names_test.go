package tenancy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDNSLabel(t *testing.T) {
	for name, want := range map[string]string{
		"web":                     "web",
		"Team A":                  "team-a",
		"--a__b..c--":             "a-b-c",
		"開発チーム":                   "",
		"開発 2":                    "2",
		"K8s/İstanbul":            "k8s-istanbul",
		strings.Repeat("a", 70):   strings.Repeat("a", 63),
		strings.Repeat("ab-", 30): strings.Repeat("ab-", 20) + "ab",
	} {
		want = strings.TrimSuffix(want, "-")
		if got := dnsLabel(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestNameAll(t *testing.T) {
	got := nameAll([]newcomer{
		{"1", "web"},
		{"2", "Shop"},
		{"3", "shop"},
		{"4", "kube-system"},
		{"5", "default"},
		{"6", "開発チーム"},
		{"7", "taken"},
		{"8", strings.Repeat("x", 63)},
		{"9", strings.Repeat("x", 64)},
		{"10", "project"},
	}, map[string]bool{"taken": true}, kubernetesOwn)
	want := map[string]string{
		"1": "web", "2": "shop-d4735e3a", "3": "shop-4e074085", "4": "project-kube-system-4b227777", "5": "project-default-ef2d127d",
		"6": "project-e7f6c011", "7": "taken-7902699b", "8": strings.Repeat("x", 54) + "-2c624232", "9": strings.Repeat("x", 54) + "-19581e27",
		"10": "project",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

var label1123 = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// checkNames: every name is one, nobody's else, and Kubernetes' own least of all.
func checkNames(t interface{ Errorf(string, ...any) }, newcomers []newcomer, taken map[string]bool, names map[string]string) {
	by := map[string]string{}
	for _, n := range newcomers {
		name, named := names[n.id]
		switch {
		case !named:
			t.Errorf("%q (%s) has no name", n.want, n.id)
		case !label1123.MatchString(name):
			t.Errorf("%q: %q is no name", n.want, name)
		case taken[name], by[name] != "":
			t.Errorf("%q: %q is somebody else's", n.want, name)
		case kubernetesOwn(name):
			t.Errorf("%q: %q is Kubernetes' own", n.want, name)
		}
		by[name] = n.id
	}
}

func drawNewcomers(t *rapid.T) []newcomer {
	want := rapid.OneOf(rapid.SampledFrom([]string{"web", "Web", "web ", "kube-system", "default", "開発", "", "-", strings.Repeat("a", 80), "web-d4735e3a"}), rapid.String())
	list := make([]newcomer, rapid.IntRange(0, 12).Draw(t, "projects"))
	for i := range list {
		list[i] = newcomer{fmt.Sprint(i), want.Draw(t, "name")}
	}
	return list
}

func TestNamesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawNewcomers(t)
		taken := map[string]bool{}
		for _, n := range all[:len(all)/3] { // others have what some would like
			taken[dnsLabel(n.want)] = true
			taken[n.hashedName(kubernetesOwn, func(string) bool { return false })] = true
		}
		names := nameAll(all, taken, kubernetesOwn)
		checkNames(t, all, taken, names)
		if again := nameAll(rapid.Permutation(all).Draw(t, "order"), taken, kubernetesOwn); !maps.Equal(names, again) {
			t.Errorf("in another order:\n%s", cmp.Diff(names, again))
		}
		// Those who come later take nothing from those who are there.
		for _, name := range names {
			taken[name] = true
		}
		later := drawNewcomers(t)
		for i := range later {
			later[i].id = "later" + later[i].id
		}
		checkNames(t, later, taken, nameAll(later, taken, kubernetesOwn))
	})
}

func FuzzNames(f *testing.F) {
	f.Add("web", "Web", "web")
	f.Add("kube-system", "kube-system-4b227777", "kube-system")
	f.Add("\xff\xfe", "", strings.Repeat("-a", 60))
	f.Fuzz(func(t *testing.T, a, b, taken string) {
		newcomers := []newcomer{{"1", a}, {"2", b}, {"3", taken}}
		was := map[string]bool{taken: true, dnsLabel(a): true}
		names := nameAll(newcomers, was, kubernetesOwn)
		checkNames(t, newcomers, was, names)
		slices.Reverse(newcomers)
		if again := nameAll(newcomers, was, kubernetesOwn); !maps.Equal(names, again) {
			t.Errorf("in another order:\n%s", cmp.Diff(names, again))
		}
	})
}
