package store

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	for text, want := range map[string]Ref{
		"glance://lab/debian-12":               {Scheme: Glance, Host: "lab", Name: "debian-12"},
		"glance:///a/b c:d@e":                  {Scheme: Glance, Name: "a/b c:d@e"},
		"glance://my cloud/x":                  {Scheme: Glance, Host: "my cloud", Name: "x"},
		"oci://r.example:5000/a/b:1.0":         {Scheme: OCI, Host: "r.example:5000", Name: "a/b", Tag: "1.0"},
		"oci://r.example/a@sha256:" + sum:      {Scheme: OCI, Host: "r.example", Name: "a", Tag: "sha256:" + sum},
		"oci://[::1]:5000/a:b":                 {Scheme: OCI, Host: "[::1]:5000", Name: "a", Tag: "b"},
		"artifactory://a.example/images/x/y.z": {Scheme: Artifactory, Host: "a.example", Name: "images/x/y.z"},
		"file:disk.raw":                        {Scheme: File, Name: "disk.raw"},
		"file:../a b":                          {Scheme: File, Name: "../a b"},
		"file:///tmp/x":                        {Scheme: File, Name: "/tmp/x"},
		"https://h.example:8443/a/b.qcow2?v=1": {Scheme: HTTPS, Host: "h.example:8443", Name: "a/b.qcow2?v=1"},
		"http://h/a%20b":                       {Scheme: HTTP, Host: "h", Name: "a%20b"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%s is written %s, which is %+v, %v", text, got, again, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "says not where",
		"disk.raw":                  "a file is written file:disk.raw",
		"/tmp/disk:raw":             "says not where",
		"glanc://a/b":               `did you mean "glance"`,
		"s3://a/b":                  "no place for images",
		"glance:a/b":                "write glance://a/b",
		"glance://lab":              "write glance://CLOUD/NAME-OR-ID",
		"glance://lab/ ":            "write glance://CLOUD/NAME-OR-ID",
		"oci://r.example/a":         "name a tag",
		"oci:///a:b":                "is no HOST",
		"oci://r.example/A:b":       "is no repository",
		"oci://r.example/a:-":       "is no tag",
		"oci://r.example/a@sha256:": "is no digest",
		"oci://user:pw@r/a:b":       "is no HOST",
		"artifactory://a/b":         "write artifactory://HOST/REPOSITORY/PATH",
		"artifactory://a/b/../c":    "without empty parts",
		"artifactory://a/b/c;d=e":   "cannot hold",
		"file:":                     "name a file",
		"file:dir/":                 "name a file",
		"file://host/x":             "on this machine",
		"glance://a/b\nc":           "control characters",
		"https://h/":                "of a file",
		"https://h":                 "of a file",
		"https://h/a#b":             "of a file",
		"https:///a":                "of a file",
		"https://u:pw@h/a":          "leave out user and password",
		"https://h/%zz":             "is no URL",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse: what is accepted means the same when it is written and read again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"glance://lab/x", "glance:///a/b", "oci://r:1/a/b:c", "oci://r/a@sha256:" + strings.Repeat("0", 64), "artifactory://h/r/p", "file:x", "file:///x", "file:file:x", "https://h/a?b=c", "http://[::1]:1/a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(r.String()); err != nil || again != r {
			t.Errorf("%q is %+v, written %q, read %+v, %v", text, r, r.String(), again, err)
		}
	})
}
