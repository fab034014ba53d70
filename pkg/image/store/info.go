package store

import (
	"maps"
	"strings"
	"time"
)

// Properties that tie an image to what it was made from. Every store keeps them.
const (
	App      = "ystack_app"
	Revision = "ystack_revision"
	Target   = "ystack_target"
	SHA256   = "ystack_sha256"
	SHA512   = "ystack_sha512" // what Glance computes: two clouds compare by it
)

// Active is the state of an image that is all there.
const Active = "active"

// Info is what a store says of an image.
type Info struct {
	Ref        Ref               `json:"ref"`
	ID         string            `json:"id,omitempty"` // what Open and Delete go by, where names are not enough
	Size       int64             `json:"size"`
	Format     string            `json:"format,omitempty"` // qcow2, raw …
	State      string            `json:"state"`
	Digests    Digests           `json:"digests,omitempty"` // what the server computed or keeps
	Properties map[string]string `json:"properties,omitempty"`
	Created    time.Time         `json:"created,omitzero"`
	Visibility string            `json:"visibility,omitempty"`
	Protected  bool              `json:"protected,omitempty"`
	Tags       []string          `json:"tags,omitempty"`
	// Version tells one content from another where no digest is known: most probably, and
	// good enough to find what an earlier copy left.
	Version string `json:"-"`
	// Foreign images belong to somebody else: their name is not taken for us.
	Foreign bool `json:"foreign,omitempty"`
}

// Digests are by algorithm (sha256, sha512, md5, sha1), in hexadecimal.
type Digests map[string]string

// Same tells whether two sets agree in every algorithm that both have; with none in
// common nothing is known.
func (d Digests) Same(other Digests) (same, known bool) {
	same = true
	for algorithm, value := range d {
		if theirs := other[algorithm]; theirs != "" && value != "" {
			known = true
			same = same && strings.EqualFold(value, theirs)
		}
	}
	return same && known, known
}

// claimed are the digests of an image: the server's own, and for algorithms that it does
// not compute those that were noted when the image was written.
func (i Info) claimed() Digests {
	all := Digests{}
	for algorithm, property := range map[string]string{"sha256": SHA256, "sha512": SHA512} {
		if value := i.Properties[property]; value != "" {
			all[algorithm] = value
		}
	}
	maps.Copy(all, i.Digests)
	return all
}

// strongest is the best algorithm of a set, for names and messages.
func (d Digests) strongest() (algorithm, value string) {
	for _, algorithm := range []string{"sha256", "sha512", "sha1", "md5"} {
		if d[algorithm] != "" {
			return algorithm, d[algorithm]
		}
	}
	return "", ""
}

// short is a digest as messages show it.
func (d Digests) short() string {
	algorithm, value := d.strongest()
	if algorithm == "" {
		return "unknown content"
	}
	return algorithm + ":" + value[:min(12, len(value))]
}

// travels tells which properties go along with a copy: who made the image, and what a
// machine that boots it needs. What a server notes for itself stays.
func travels(property string) bool {
	if strings.HasPrefix(property, "os_hash") || strings.HasPrefix(property, "os_glance") || property == "os_hidden" {
		return false
	}
	for _, prefix := range []string{"ystack_", "hw_", "os_"} {
		if strings.HasPrefix(property, prefix) {
			return true
		}
	}
	return property == "architecture" || property == "min_disk" || property == "min_ram"
}
