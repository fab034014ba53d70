package keystone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// cloud lays a cloud of the files into the settings: its profile lowest, then the
// cloud of clouds.yaml, of secure.yaml, and what its region says.
func (l *loader) cloud(s *settings, name string, region value) error {
	parts := l.find(name)
	for _, part := range parts {
		if part.value.kind != objectNode && part.value.kind != nullNode {
			return &ConfigError{part.origin, "clouds." + name, "expected is an object with auth: and more, not " + part.value.kind.String()}
		}
	}
	own := newSettings()
	for _, part := range parts {
		l.lay(own, part.value)
	}
	if err := l.profile(s, own); err != nil {
		return err
	}
	s.lay(own)
	return l.region(s, region)
}

// lay adds the entries of an object, those of auth to their own section.
func (l *loader) lay(s *settings, n *node) {
	for _, e := range n.entries {
		key := canonical(e.key)
		if key != "auth" {
			s.top[key] = value{e.value}
			continue
		}
		if e.value.kind != objectNode && e.value.kind != nullNode {
			l.fail(e.value, "auth", "expected is an object with auth_url: and more, not %s", e.value.kind)
			continue
		}
		for _, inner := range e.value.entries {
			l.knownAuth(inner)
			s.auth[canonical(inner.key)] = value{inner.value}
		}
	}
}

// canonical is a key as openstacksdk normalises it.
func canonical(key string) string { return strings.ReplaceAll(key, "-", "_") }

// knownAuth finds slips in names. (Outside of auth every tool has names of its own.)
func (l *loader) knownAuth(e entry) {
	key := canonical(e.key)
	if !slices.Contains(authFields(), key) && !slices.Contains(foreignFields(), key) {
		l.problems = append(l.problems, &ConfigError{
			e.origin, "auth",
			"no such setting " + showKey(e.key) + suggest.DidYouMean(key, authFields()),
		})
	}
}

// profile lays what clouds-public.yaml says of a vendor below the cloud.
func (l *loader) profile(s, own *settings) error {
	named, ok := own.top["profile"]
	if !ok {
		named, ok = own.top["cloud"] // its name of old
	}
	if !ok || named.kind == nullNode {
		return nil
	}
	name := l.text("profile", named)
	file, path, err := first(l.searched("clouds-public", ""))
	if err != nil {
		return err
	}
	for _, e := range file.child("public-clouds").list() {
		if e.key == name && e.value.kind == objectNode {
			l.lay(s, e.value)
			return nil
		}
	}
	if own.has("auth_url") {
		return nil // openstackclient only warns, too
	}
	where := "there is no clouds-public.yaml"
	if path != "" {
		where = "it is not in " + path
	}
	return &ConfigError{named.origin, "profile", fmt.Sprintf("nothing is known of the vendor %q: %s, and openstacksdk's own list is not built in; "+
		"write the cloud's auth_url instead", name, where)}
}

// list are the entries of an object that may be absent.
func (n *node) list() []entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// region chooses one of the cloud's regions and lays its values over the cloud.
func (l *loader) region(s *settings, wanted value) error {
	regions, ok := s.top["regions"]
	delete(s.top, "regions")
	if !ok || regions.kind == nullNode {
		return l.namedRegion(s, wanted)
	}
	if regions.kind != listNode {
		return &ConfigError{regions.origin, "regions", "expected is a list, not " + regions.kind.String()}
	}
	var names []string
	for _, item := range regions.items {
		name := item
		if item.kind == objectNode {
			name = item.child("name")
		}
		if name == nil || name.kind >= listNode || name.text == "" {
			return &ConfigError{item.origin, "regions", "expected is a name, or an object with name: and values:"}
		}
		if wanted.node == nil || wanted.text == name.text {
			if values := item.child("values"); values != nil && values.kind == objectNode {
				l.lay(s, values)
			}
			s.top["region_name"] = value{name}
			return nil
		}
		names = append(names, name.text)
	}
	return noRegion(wanted, names)
}

// namedRegion is for clouds with a region_name of their own, one or several by commas.
func (l *loader) namedRegion(s *settings, wanted value) error {
	own, ok := s.top["region_name"]
	if !ok || own.kind == nullNode {
		return nil
	}
	names := strings.Split(l.text("region_name", own), ",")
	switch {
	case wanted.node == nil:
		s.top["region_name"] = value{&node{kind: stringNode, quoted: true, text: names[0], origin: own.origin}}
	case !slices.Contains(names, wanted.text):
		return noRegion(wanted, names)
	}
	return nil
}

func noRegion(wanted value, names []string) error {
	if wanted.node == nil {
		return nil
	}
	return &ConfigError{wanted.origin, "region_name", fmt.Sprintf("the cloud has no region %q; it has %s", wanted.text, list(names))}
}
