package hook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func scanText(text string, want ...string) (map[string]string, error) {
	s, err := scan(bufio.NewReader(strings.NewReader(text)), want)
	if err != nil {
		return nil, err
	}
	return s.got, nil
}

func TestScan(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"x"}`: "x",
		` { "b" : [1,{"a":"no"},[]] , "a" : "x" } `: "x",
		`{"a":"\u00e4\n\ud83d\ude00\ud83d"}`:        "ä\n😀\uFFFD",
		`{"a":null}`:                                "",
		`{"a":true}`:                                "true",
		`{"a":-0.5e+3}`:                             "-0.5e+3",
		`{"a":{"a":"no"}}`:                          "",
		`{"x":{"a":"no"},"c":{"d":"no"}}`:           "",
		`{}`:                                        "",
		`{"a":"` + strings.Repeat("y", 5000) + `"}`: strings.Repeat("y", maxValue),
	} {
		got, err := scanText(text, "a", "c.e")
		if err != nil || got["a"] != want {
			t.Errorf("%.60s: %q, %v", text, got["a"], err)
		}
	}
	got, err := scanText(`{"c":{"e":"deep","f":{"e":"no"}},"c.e":"no"}`, "c.e")
	if err != nil || got["c.e"] != "deep" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestScanRefuses(t *testing.T) {
	for _, text := range []string{
		``, ` `, `[]`, `"a"`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":1}x`, `{}{}`,
		`{"a":tru}`, `{"a":True}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`, `{"a":.5}`,
		`{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\n\"}", `{"a":[1 2]}`, `{"a":[,]}`, `{"a":[1,]}`,
		strings.Repeat(`{"a":`, maxDepth+1) + `1` + strings.Repeat(`}`, maxDepth+1),
		`{"a":` + strings.Repeat(`[`, maxDepth) + strings.Repeat(`]`, maxDepth) + `}`,
	} {
		if got, err := scanText(text, "a"); err == nil {
			t.Errorf("%.60q passes: %v", text, got)
		} else if !errors.Is(err, errSyntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// FuzzScan holds the scanner against encoding/json.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"ref":"refs/heads/main","repository":{"full_name":"a/b"},"deleted":false}`, `{"a":[1,2,{"b":"\ud83d\ude00"}]}`,
		`{"ref":"\u0000\ud800","x":-1.5e10}`, `{"repository":{"full_name":"x"},"repository":1}`, "{\"ref\":\"\xff\"}", `{`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scan(bufio.NewReader(bytes.NewReader(data)), pushFields)
		var object map[string]any
		wrong := json.Unmarshal(data, &object)
		isObject := wrong == nil && object != nil
		if err == nil && !isObject {
			t.Fatalf("accepted what is no JSON object: %q (%v)", data, wrong)
		}
		if err != nil && isObject && !strings.Contains(err.Error(), "nested") {
			t.Fatalf("refused %q: %v", data, err)
		}
		if err != nil || !utf8.Valid(data) || repeats(data) {
			return
		}
		repository, _ := object["repository"].(map[string]any)
		for field, value := range map[string]any{"ref": object["ref"], "after": object["after"], "repository.full_name": repository["full_name"]} {
			text, isText := value.(string)
			if isText && len(text) <= maxValue && s.got[field] != text {
				t.Errorf("%s of %q: %q, want %q", field, data, s.got[field], text)
			}
		}
	})
}

// repeats reports whether an object has a name twice: which value counts then is not said.
func repeats(data []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(data))
	var value func() bool
	value = func() bool {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		seen := map[string]bool{}
		for token == json.Delim('{') && dec.More() {
			name, _ := dec.Token()
			if text, _ := name.(string); seen[text] {
				return true
			} else {
				seen[text] = true
			}
			if value() {
				return true
			}
		}
		for token == json.Delim('[') && dec.More() {
			if value() {
				return true
			}
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			_, _ = dec.Token()
		}
		return false
	}
	return value()
}
