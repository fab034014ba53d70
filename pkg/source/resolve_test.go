package source

import "testing"

func TestResolve(t *testing.T) {
	r := newRepo(t)
	first := r.git("rev-parse", "HEAD")
	r.git("tag", "-a", "v1", "-m", "one")
	r.write("app/main.go", "package main // changed\n")
	r.commit()
	second := r.git("rev-parse", "HEAD")
	for name, want := range map[string]string{
		"HEAD": second, "HEAD~1": first, "main": second, "v1": first, first[:8]: first, second: second,
		"none": "", "": "", "HEAD:app/main.go": "", "--all": "", "-h": "", "sha256:" + first: "",
	} {
		got, err := Resolve(t.Context(), r.path("app"), name)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
	if got, err := Resolve(t.Context(), t.TempDir(), "HEAD"); got != "" || err != nil {
		t.Errorf("outside of a checkout: got %q, %v", got, err)
	}
}
