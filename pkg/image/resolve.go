package image

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// dockerHub is how people write the registry that the library calls
// index.docker.io (name.DefaultRegistry).
const dockerHub = "docker.io"

// Base is a base image found in a registry and pinned to what it is now.
type Base struct {
	Name     string   `json:"name"`            // as the Dockerfile has it
	Ref      string   `json:"ref"`             // HOST/REPO@sha256:…
	Digest   string   `json:"digest"`          // sha256:…, of the index if there are several platforms
	Registry string   `json:"registry"`        // the host that served it
	Tried    []string `json:"tried,omitempty"` // references looked for in vain before, in order
}

// ResolveBase finds the base image image in the first of bases that has it, and
// pins it. Only "not found" moves on to the next: a registry that is down or
// refuses must not make a build silently take its base from somewhere else.
func (c *Client) ResolveBase(ctx context.Context, image string, bases []string) (Base, error) {
	places, err := candidates(image, bases)
	if err != nil {
		return Base{}, err
	}
	var tried []string
	for _, place := range places {
		digest, err := c.Digest(ctx, place)
		switch {
		case err == nil:
			return c.pin(image, place, digest, tried)
		case !errors.Is(err, ErrNotFound):
			return Base{}, fmt.Errorf("base image %s: %w", image, err)
		}
		tried = append(tried, shown(place))
	}
	return Base{}, &NotFoundError{Name: image, Tried: tried}
}

func (c *Client) pin(image, place, digest string, tried []string) (Base, error) {
	r, err := c.parse(place)
	if err != nil {
		return Base{}, err
	}
	host := shownHost(r.Context().RegistryStr())
	ref := host + "/" + r.Context().RepositoryStr() + "@" + digest
	return Base{Name: image, Ref: ref, Digest: digest, Registry: host, Tried: tried}, nil
}

// candidates lists the references to look for, in order.
func candidates(image string, bases []string) ([]string, error) {
	r, err := name.ParseReference(image)
	if err != nil {
		return nil, fmt.Errorf("base image %q is not a valid image name", image)
	}
	if r.Context().RegistryStr() != name.DefaultRegistry {
		return []string{image}, nil
	}
	if len(bases) == 0 {
		bases = []string{dockerHub}
	}
	var places []string
	for _, base := range bases {
		more, err := under(strings.TrimSuffix(base, "/"), r)
		if err != nil {
			return nil, err
		}
		places = append(places, more...)
	}
	return places, nil
}

// under lists where a Docker Hub image may lie under a base prefix. A plain
// registry that mirrors Docker Hub has golang as golang or as library/golang,
// depending on who filled it.
func under(base string, hub name.Reference) ([]string, error) {
	repository := hub.Context().RepositoryStr()
	suffix := ":" + hub.Identifier()
	if _, pinned := hub.(name.Digest); pinned {
		suffix = "@" + hub.Identifier()
	}
	if base == dockerHub || base == name.DefaultRegistry {
		return []string{dockerHub + "/" + repository + suffix}, nil
	}
	short, official := strings.CutPrefix(repository, "library/")
	places := []string{base + "/" + short + suffix}
	if official {
		places = append(places, base+"/library/"+short+suffix)
	}
	if r, err := name.ParseReference(places[0]); err != nil || r.Context().RegistryStr() == name.DefaultRegistry && !strings.HasPrefix(base, dockerHub) {
		return nil, fmt.Errorf("spec.registries.bases: %q is not a registry prefix: want HOST or HOST/PATH, e.g. registry.example/docker", base)
	}
	return places, nil
}

// shownHost is the registry as people write it.
func shownHost(host string) string {
	if host == name.DefaultRegistry {
		return dockerHub
	}
	return host
}

// shownRef is the reference in full, as people write it.
func shownRef(r name.Reference) string {
	return dockerHubName(r.Name())
}

func shown(place string) string {
	if r, err := name.ParseReference(place); err == nil {
		return shownRef(r)
	}
	return place
}

func dockerHubName(full string) string {
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry); ok {
		return dockerHub + rest
	}
	return full
}
