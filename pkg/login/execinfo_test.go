package login

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseExecInfo(t *testing.T) {
	const v1, beta = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
	for in, want := range map[string]ExecInfo{
		"": {APIVersion: v1, Interactive: true},
		`{"kind":"ExecCredential","apiVersion":"` + v1 + `","spec":{"interactive":true}}`:                                              {v1, true, true},
		`{"kind":"ExecCredential","apiVersion":"` + v1 + `","spec":{"interactive":false}}`:                                             {v1, false, true},
		`{"kind":"ExecCredential","apiVersion":"` + beta + `","spec":{}}`:                                                              {beta, false, true},
		` {"kind":"ExecCredential","apiVersion":"` + beta + `","spec":{"cluster":{"server":"x"},"more":1}}` + "\n":                     {beta, false, true},
		`{"apiVersion":"` + v1 + `","kind":"ExecCredential","spec":{"interactive":true,"cluster":{"config":{"a":[1]}}},"status":null}`: {v1, true, true},
	} {
		if got, err := ParseExecInfo(in); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"x":                         "is not the JSON that kubectl sets",
		"{":                         "is not the JSON that kubectl sets",
		"[]":                        "is not the JSON that kubectl sets",
		"{} {}":                     "something follows",
		"{}":                        `kind "" is not ExecCredential`,
		"null":                      `kind "" is not ExecCredential`,
		`{"kind":"ExecCredential"}`: `apiVersion "" is neither`,
		`{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}`:   "set exec.apiVersion of the user in the kubeconfig to client.authentication.k8s.io/v1",
		`{"kind":"ExecCredential","apiVersion":"` + v1 + `","spec":{"interactive":"yes"}}`: "is not the JSON",
	} {
		if _, err := ParseExecInfo(in); !errors.Is(err, ErrExecInfo) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

func TestExecInfoWrite(t *testing.T) {
	var out bytes.Buffer
	when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	if err := (ExecInfo{APIVersion: "client.authentication.k8s.io/v1beta1"}).Write(&out, Credential{Token: "t", Expires: when}); err != nil {
		t.Fatal(err)
	}
	want := `{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"expirationTimestamp":"2026-01-02T02:04:05Z","token":"t"}}` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", &out, want)
	}
}

func FuzzParseExecInfo(f *testing.F) {
	for _, s := range []string{
		"", "{}", "null", "[", `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true}}`,
		`{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"cluster":{"server":"https://k"}}}`,
		`{"kind":"ExecCredential","KIND":"x","apiVersion":"v1"} `,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		info, err := ParseExecInfo(s)
		switch {
		case err != nil && !errors.Is(err, ErrExecInfo):
			t.Fatalf("%q: %v is of no kind", s, err)
		case err == nil && info.APIVersion != execGroup+"v1" && info.APIVersion != execGroup+"v1beta1":
			t.Fatalf("%q gives version %q", s, info.APIVersion)
		case err == nil && info.Given != (s != ""):
			t.Fatalf("%q: given is %v", s, info.Given)
		}
	})
}
