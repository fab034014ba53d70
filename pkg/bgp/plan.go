package bgp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// rangeOrigin marks an entry that stands for a range instead of a Service.
const rangeOrigin = "range"

// Record says which entries of a BGPConfiguration are ystack's, and what for:
// NAMESPACE/NAME of a Service, or "range".
type Record map[List]map[string]string

// parseRecord reads RecordAnnotation.
func parseRecord(s string) (Record, error) {
	r := Record{}
	if s == "" {
		return r, nil
	}
	if err := json.Unmarshal([]byte(s), &r); err != nil {
		return nil, fmt.Errorf("annotation %s of BGPConfiguration %q is not as ystack writes it (%w); "+
			"restore it, or remove it: then all entries count as somebody else's", RecordAnnotation, configName, err)
	}
	return r, nil
}

// String is what parseRecord reads: the same text for the same record, and
// empty for an empty one.
func (r Record) String() string {
	full := Record{}
	for l, entries := range r {
		if len(entries) > 0 {
			full[l] = entries
		}
	}
	if len(full) == 0 {
		return ""
	}
	out, err := json.Marshal(full)
	if err != nil {
		panic(err) // of strings only
	}
	return string(out)
}

func (r Record) add(l List, entry, origin string) {
	if r[l] == nil {
		r[l] = map[string]string{}
	}
	r[l][entry] = origin
}

// ranges are the entries that stand for no Service.
func (r Record) ranges() Record {
	out := Record{}
	for l, entries := range r {
		for entry, origin := range entries {
			if origin == rangeOrigin {
				out.add(l, entry, origin)
			}
		}
	}
	return out
}

// Change is what a plan does to one list.
type Change struct {
	List    List     `json:"list"`
	Before  []string `json:"before"`
	After   []string `json:"after"`
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// want collects what all Services together want. One whose annotation cannot be
// read, or that has no address now, wants nothing; problems says so. External
// IPs are what anybody who may edit a Service says they are, so an annotation
// alone does not get them announced: own has them already, or their Service is
// among those asked for now.
func want(services []Service, own, ranges Record, asked []string) (wanted Record, problems []error) {
	wanted = Record{}
	for l, entries := range ranges {
		for entry := range entries {
			wanted.add(l, entry, rangeOrigin)
		}
	}
	for i := range services {
		s := &services[i]
		intent, err := s.intent()
		if err != nil {
			problems = append(problems, err)
		}
		for _, l := range intent {
			if err := s.advertisable(l); err != nil {
				problems = append(problems, err)
			}
			for _, p := range s.Addresses(l) {
				if l == ExternalIPs && own[l][p.String()] != s.Ref() && !slices.Contains(asked, s.Ref()) {
					problems = append(problems, fmt.Errorf("service %s: its annotation alone does not advertise the external IP %s; "+
						"`kubectl ystack advertise-clusterip %s -n %s --external-ips` does", s.Ref(), p.Addr(), s.Metadata.Name, s.Metadata.Namespace))
					continue
				}
				wanted.add(l, p.String(), s.Ref())
			}
		}
	}
	return wanted, problems
}

// plan brings the entries to what is wanted. It removes none but its own, and
// does not take for its own what stood there before.
func plan(entries map[List][]string, own, wanted Record) ([]Change, Record) {
	var changes []Change
	record := Record{}
	for _, l := range Lists() {
		c := Change{List: l, Before: entries[l]}
		have := map[string]bool{}
		for _, e := range entries[l] {
			key := normal(e)
			_, mine := own[l][key]
			_, needed := wanted[l][key]
			if mine && !needed {
				c.Removed = append(c.Removed, e)
				continue
			}
			have[key] = true
			c.After = append(c.After, e)
		}
		for _, key := range slices.Sorted(maps.Keys(wanted[l])) {
			_, mine := own[l][key]
			if !have[key] {
				c.Added = append(c.Added, key)
				c.After = append(c.After, key)
			}
			if mine || !have[key] {
				record.add(l, key, wanted[l][key])
			}
		}
		if len(c.Added)+len(c.Removed) > 0 {
			changes = append(changes, c)
		}
	}
	return changes, record
}

// normal is an entry as ystack writes it. What is no range stays as it is.
func normal(entry string) string {
	if p, err := ParsePrefix(entry); err == nil {
		return p.String()
	}
	return entry
}
