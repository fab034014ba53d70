package template

import "testing"

func TestFill(t *testing.T) {
	const text = "name: {{name}}\n?a - with a\n?!a - without a\nargs:\n- {{args}} # {{name}}\nlast {{none}}"
	values := map[string]string{"name": "x {{args}}", "args": "1\n2"}
	for name, tc := range map[string]struct {
		conditions map[string]bool
		want       string
	}{
		"holds":    {map[string]bool{"a": true}, "name: x {{args}}\n- with a\nargs:\n- 1 # x {{args}}\n- 2 # x {{args}}\nlast "},
		"does not": {nil, "name: x {{args}}\n- without a\nargs:\n- 1 # x {{args}}\n- 2 # x {{args}}\nlast "},
	} {
		if got := Fill(text, tc.conditions, values); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := Quote("a\"b\n"); got != `"a\"b\n"` {
		t.Error(got)
	}
	if got := Quote([]string{"a", "b: c"}); got != `["a","b: c"]` {
		t.Error(got)
	}
}
