package tenancy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

const (
	maxName  = 63 // of an RFC 1123 label
	unnamed  = "project"
	hashStep = 8
)

// newcomer is a project that has no namespace yet, and the name that it would like.
type newcomer struct{ id, want string }

// nameAll finds a name for each newcomer's namespace, by project id. Names that are
// taken stay so: no namespace is ever renamed, and none is shared.
//
// Two that would like the same name both get the hash of their id, so that neither
// depends on which came first. It is left out of the map whose names are all taken.
func nameAll(newcomers []newcomer, taken map[string]bool, reserved func(string) bool) map[string]string {
	used := map[string]bool{}
	wanted := map[string]int{}
	for _, n := range newcomers {
		wanted[dnsLabel(n.want)]++
	}
	names := map[string]string{}
	var hashed []newcomer
	for _, n := range newcomers {
		name := dnsLabel(n.want)
		if name == "" || wanted[name] > 1 || reserved(name) || taken[name] {
			hashed = append(hashed, n)
			continue
		}
		names[n.id], used[name] = name, true
	}
	slices.SortFunc(hashed, func(a, b newcomer) int { return strings.Compare(a.id, b.id) })
	for _, n := range hashed {
		if name := n.hashedName(reserved, func(s string) bool { return taken[s] || used[s] || reserved(s) }); name != "" {
			names[n.id], used[name] = name, true
		}
	}
	return names
}

// hashedName has 8 hex digits of a hash of the id at its end; more, if somebody has that
// name already.
func (n newcomer) hashedName(reserved, taken func(string) bool) string {
	stem := dnsLabel(n.want)
	switch {
	case stem == "":
		stem = unnamed
	case reserved(stem):
		stem = unnamed + "-" + stem
	}
	sum := sha256.Sum256([]byte(n.id))
	hash := hex.EncodeToString(sum[:])
	for digits := hashStep; digits <= 6*hashStep; digits += hashStep {
		head := strings.TrimRight(stem[:min(len(stem), maxName-1-digits)], "-")
		if name := head + "-" + hash[:digits]; !taken(name) {
			return name
		}
	}
	return ""
}

// kubernetesOwn are names that Kubernetes has for itself, and kube, which a hash would turn
// into one.
func kubernetesOwn(name string) bool {
	return name == "default" || name == "kube" || strings.HasPrefix(name, "kube-")
}

// dnsLabel brings a name to RFC 1123: lower case, hyphens for runs of whatever else. It
// is empty if nothing is left.
func dnsLabel(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && b.String()[b.Len()-1] != '-':
			b.WriteByte('-')
		}
		if b.Len() == maxName {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
