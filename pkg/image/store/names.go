package store

import (
	"fmt"
	"path"
	"strings"
)

// Identity is what an image was made of and for.
type Identity struct {
	App, Revision, Target string
}

// IdentityOf is what an image's properties say.
func IdentityOf(i Info) Identity {
	return Identity{i.Properties[App], i.Properties[Revision], i.Properties[Target]}
}

// Properties are those that every store keeps with the image.
func (i Identity) Properties() map[string]string {
	all := map[string]string{}
	for name, value := range map[string]string{App: i.App, Revision: i.Revision, Target: i.Target} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// In is the image's name in a place: a cloud, a registry with a path, a repository of
// Artifactory, a directory.
func (i Identity) In(place Ref, format string) (Ref, error) {
	if i.App == "" || i.Revision == "" {
		return Ref{}, fmt.Errorf("an image is named after its application and revision; the application is %q, the revision %q", i.App, i.Revision)
	}
	name := i.App + "-" + i.Revision
	file := name
	if format != "" {
		file += "." + format
	}
	r := place
	switch place.Scheme {
	case Glance:
		r.Name = name
	case OCI:
		r.Name, r.Tag = strings.TrimPrefix(place.Name+"/"+i.App, "/"), i.Revision
	case Artifactory:
		r.Name = path.Join(place.Name, i.App, i.Revision, file)
	case File:
		r.Name = path.Join(place.Name, file)
	}
	return Parse(r.String())
}
