package nova

import (
	"fmt"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	all := []named{{"1", "small"}, {"2", "large"}, {"3", "twice"}, {"4", "twice"}, {"small", "5"}}
	for want, answer := range map[string]string{
		"large": "2",
		"2":     "2",
		"small": "small", // an id comes before a name
		"twice": `spec.deploy.vm.flavor: the cloud has 2 of the name flavor "twice"; name one by its id: 3, 4`,
		"lareg": `spec.deploy.vm.flavor: the cloud has no flavor "lareg"; did you mean "large"?; it has 5, large, small, twice`,
	} {
		got, err := choose("flavor", "flavor", want, all)
		if err != nil {
			got.ID = err.Error()
		}
		if got.ID != answer {
			t.Errorf("%s: %s", want, got.ID)
		}
	}
	var many []named
	for i := range 30 {
		many = append(many, named{fmt.Sprint(i), fmt.Sprintf("f%02d", i)})
	}
	if _, err := choose("flavor", "flavor", "x", many); err == nil || !strings.HasSuffix(err.Error(), "f18, f19 and 10 more") {
		t.Error(err)
	}
}

// TestGeneration: whatever a server is made with makes another one of it.
func TestGeneration(t *testing.T) {
	base := recipe{flavor: flavor{named: named{ID: "f"}}, networks: []named{{"n", "net"}}, groups: []string{"g"}, key: "k", userData: []byte("u")}
	seen := map[string]string{base.generation("i"): "base"}
	shapes := map[string]bool{base.shape(): true}
	for name, change := range map[string]func(*recipe){
		"flavor":    func(r *recipe) { r.flavor.ID = "g" },
		"network":   func(r *recipe) { r.networks = append(r.networks, named{"m", "m"}) },
		"groups":    func(r *recipe) { r.groups = nil },
		"key":       func(r *recipe) { r.key = "" },
		"user data": func(r *recipe) { r.userData = nil },
	} {
		r := base
		change(&r)
		g := r.generation("i")
		if was, is := seen[g]; is {
			t.Errorf("%s: as %s", name, was)
		}
		seen[g] = name
		shapes[r.shape()] = true
	}
	if _, is := seen[base.generation("j")]; is || len(shapes) != 4 {
		t.Errorf("%d shapes", len(shapes))
	}
}
