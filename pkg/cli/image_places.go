package cli

import (
	"net/url"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// places are where the site keeps images: its cloud, its archive, its registry.
func (s *imageStores) places() []store.Ref {
	var all []store.Ref
	spec := s.site.Spec
	if cloud := spec.OpenStack.Cloud; cloud != "" {
		all = append(all, store.Ref{Scheme: store.Glance, Host: cloud})
	}
	all = append(all, s.archive()...)
	if push := spec.Registries.Push; push != "" {
		all = append(all, registryPlace(push))
	}
	return all
}

// archive is the place of the site's archive, if it has one.
func (s *imageStores) archive() []store.Ref {
	switch a := s.site.Spec.Archive; {
	case a == nil:
		return nil
	case a.Artifactory != nil:
		at, err := url.Parse(a.Artifactory.URL)
		if err != nil {
			return nil // the loader has seen to that
		}
		return []store.Ref{{Scheme: store.Artifactory, Host: at.Host, Name: a.Artifactory.Repository}}
	default:
		return []store.Ref{registryPlace(a.OCI)}
	}
}

func registryPlace(path string) store.Ref {
	host, name, _ := strings.Cut(path, "/")
	return store.Ref{Scheme: store.OCI, Host: host, Name: name}
}
