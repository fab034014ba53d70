package store

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// The kinds of places where images are, as references name them.
const (
	Glance      = "glance"
	OCI         = "oci"
	Artifactory = "artifactory"
	File        = "file"
	HTTP        = "http"
	HTTPS       = "https" // both can be read only
)

// Ref says where an image is.
type Ref struct {
	Scheme string
	Host   string // the cloud, registry or server; empty for files and for the cloud in use
	Name   string // image name or id, repository, REPOSITORY/PATH or path
	Tag    string // of oci: a tag, or a digest with its algorithm
}

// String is the reference as people write it.
func (r Ref) String() string {
	switch {
	case r.Scheme == File:
		return "file:" + r.Name
	case strings.Contains(r.Tag, ":"):
		return r.Scheme + "://" + r.Host + "/" + r.Name + "@" + r.Tag
	case r.Tag != "":
		return r.Scheme + "://" + r.Host + "/" + r.Name + ":" + r.Tag
	}
	return r.Scheme + "://" + r.Host + "/" + r.Name
}

// MarshalText makes encoders write it so.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var (
	host       = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)
	repository = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tag        = regexp.MustCompile(`^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}$`)
	digest     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Parse reads a reference: glance://CLOUD/NAME-OR-ID, oci://REGISTRY/REPOSITORY:TAG,
// artifactory://HOST/REPOSITORY/PATH, file:PATH or a URL.
func Parse(text string) (Ref, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Ref{}, fmt.Errorf("image reference %q holds control characters", text)
	}
	scheme, rest, found := strings.Cut(text, ":")
	if !found || strings.ContainsAny(scheme, "/. ") {
		return Ref{}, fmt.Errorf("image reference %q says not where: a file is written file:%s, others begin with glance://, oci://, artifactory:// or https://", text, text)
	}
	if scheme == File {
		return parseFile(text, rest)
	}
	place, slashes := strings.CutPrefix(rest, "//")
	where, name, _ := strings.Cut(place, "/")
	switch known := []string{Glance, OCI, Artifactory, HTTPS, HTTP}; {
	case !slices.Contains(known, scheme):
		return Ref{}, fmt.Errorf("image reference %q: %q is no place for images; known are glance, oci, artifactory, https and file%s",
			text, scheme, suggest.DidYouMean(scheme, append(known, File)))
	case !slashes:
		return Ref{}, fmt.Errorf("image reference %q: write %s://%s", text, scheme, strings.TrimLeft(rest, "/"))
	case scheme == Glance:
		return parseGlance(text, where, name)
	case scheme == HTTP || scheme == HTTPS:
		return parseURL(scheme, rest)
	case !host.MatchString(where):
		return Ref{}, fmt.Errorf("image reference %q: %q is no HOST or HOST:PORT", text, where)
	case scheme == OCI:
		return parseOCI(text, where, name)
	}
	return parseArtifactory(text, where, name)
}

func parseFile(text, path string) (Ref, error) {
	if local, url := strings.CutPrefix(path, "//"); url {
		if !strings.HasPrefix(local, "/") {
			return Ref{}, fmt.Errorf("image reference %q: a file is on this machine; write file:PATH", text)
		}
		path = local
	}
	if path == "" || strings.HasSuffix(path, "/") {
		return Ref{}, fmt.Errorf("image reference %q: name a file, as file:disk.qcow2", text)
	}
	return Ref{Scheme: File, Name: path}, nil
}

func parseGlance(text, cloud, name string) (Ref, error) {
	if strings.TrimSpace(name) == "" {
		return Ref{}, fmt.Errorf("image reference %q: write glance://CLOUD/NAME-OR-ID", text)
	}
	return Ref{Scheme: Glance, Host: cloud, Name: name}, nil
}

// parseURL repeats nothing of what it refuses: there may be a password in it.
func parseURL(scheme, rest string) (Ref, error) {
	u, err := url.Parse(scheme + ":" + rest)
	switch {
	case err != nil:
		return Ref{}, fmt.Errorf("image reference: what follows %s: is no URL", scheme)
	case u.User != nil:
		return Ref{}, fmt.Errorf("image reference %s: leave out user and password: other users can read command lines", u.Redacted())
	case !host.MatchString(u.Host) || u.Path == "" || strings.HasSuffix(u.Path, "/") || u.Fragment != "" || strings.HasSuffix(rest, "#"):
		return Ref{}, fmt.Errorf("image reference %q: write %s://HOST/PATH of a file", scheme+":"+rest, scheme)
	}
	return Ref{Scheme: scheme, Host: u.Host, Name: strings.TrimPrefix(u.RequestURI(), "/")}, nil
}

func parseOCI(text, where, name string) (Ref, error) {
	r := Ref{Scheme: OCI, Host: where, Name: name}
	if repo, pinned, found := strings.Cut(name, "@"); found {
		r.Name, r.Tag = repo, pinned
		if !digest.MatchString(pinned) {
			return Ref{}, fmt.Errorf("image reference %q: %q is no digest, which is sha256: and 64 hexadecimal digits", text, pinned)
		}
	} else if repo, label, found := strings.Cut(name, ":"); found {
		r.Name, r.Tag = repo, label
		if !tag.MatchString(label) {
			return Ref{}, fmt.Errorf("image reference %q: %q is no tag: use letters, digits, '.', '_' and '-', at most 128", text, label)
		}
	}
	switch {
	case r.Tag == "":
		return Ref{}, fmt.Errorf("image reference %q: name a tag, as oci://%s/%s:TAG", text, where, name)
	case !repository.MatchString(r.Name):
		return Ref{}, fmt.Errorf("image reference %q: %q is no repository: use lower-case letters, digits and single '.', '_', '-' between them", text, r.Name)
	}
	return r, nil
}

func parseArtifactory(text, where, name string) (Ref, error) {
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return Ref{}, fmt.Errorf("image reference %q: write artifactory://HOST/REPOSITORY/PATH, without empty parts, '.' and '..'", text)
		}
	}
	// Artifactory takes what follows a semicolon for properties.
	if len(parts) < 2 || strings.ContainsAny(name, `;?#\:|*"<>`) {
		return Ref{}, fmt.Errorf(`image reference %q: write artifactory://HOST/REPOSITORY/PATH; a path cannot hold any of ; ? # \ : | * " < >`, text)
	}
	return Ref{Scheme: Artifactory, Host: where, Name: name}, nil
}
