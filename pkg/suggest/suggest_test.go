package suggest

import "testing"

func TestDidYouMean(t *testing.T) {
	known := []string{"password", "passcode", "project_name", "開発チーム"}
	for got, want := range map[string]string{
		"pasword":      `; did you mean "password"?`,
		"PASSCODE":     `; did you mean "passcode"?`,
		"porject_name": `; did you mean "project_name"?`, // neighbours swapped
		"開発チム":         `; did you mean "開発チーム"?`,
		"region":       "",
		"":             "",
	} {
		if said := DidYouMean(got, known); said != want {
			t.Errorf("%q: %q, want %q", got, said, want)
		}
	}
}
