package nova

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// The metadata of our servers. An application and a generation make a server ours; an
// ordinal and a generation are there once, which is how a server is found again whose
// creation was never answered.
const (
	keyApp        = store.App
	keyGeneration = "ystack_generation" // a hash of the image and of all that a server is made with
	keyShape      = "ystack_shape"      // of what a rebuild cannot change: flavor, networks, security groups
	keyOrdinal    = "ystack_ordinal"
	keyNumber     = "ystack_number" // of the release, counting up
	keyImage      = "ystack_image"
	keySHA256     = store.SHA256
	keyRevision   = store.Revision
	keyRun        = "ystack_run"
	keyBy         = "ystack_by"
	keySource     = "ystack_source"
	keyDeployed   = "ystack_deployed"
	// keyHistory and a number: an earlier release, as "IMAGE SHA256 REVISION DEPLOYED BY".
	keyHistory = "ystack_history_"
)

const (
	longest  = 255 // characters that Nova allows in a value
	remember = 10  // earlier releases
)

// record is one release, as servers carry it.
type record struct {
	Number                      int64
	Image, SHA256, Revision     string
	Run, By, Source, Generation string
	Deployed                    time.Time
}

// metadata is what a server of the release is given. before are earlier releases.
func (r record) metadata(application, shape string, ordinal int, before []record) map[string]string {
	m := map[string]string{
		keyApp: application, keyGeneration: r.Generation, keyShape: shape, keyOrdinal: strconv.Itoa(ordinal),
		keyNumber: strconv.FormatInt(r.Number, 10), keyImage: r.Image, keySHA256: r.SHA256, keyRevision: r.Revision,
		keyRun: r.Run, keyBy: r.By, keySource: r.Source, keyDeployed: r.Deployed.UTC().Format(time.RFC3339),
	}
	for _, b := range before[:min(len(before), remember)] {
		m[keyHistory+strconv.FormatInt(b.Number, 10)] = strings.Join([]string{
			b.Image, field(b.SHA256), field(b.Revision), b.Deployed.UTC().Format(time.RFC3339), b.By,
		}, " ")
	}
	for key, value := range m {
		m[key] = cut(value)
	}
	return m
}

// field stands for an empty one, so that the others keep their places.
func field(value string) string {
	if value == "" {
		return "-"
	}
	return value
}

func cut(value string) string {
	if runes := []rune(value); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return value
}

// recordOf reads the release of a server. Of what somebody has changed by hand into
// something else it takes what it can.
func recordOf(m map[string]string) record {
	r := record{
		Image: m[keyImage], SHA256: m[keySHA256], Revision: m[keyRevision],
		Run: m[keyRun], By: m[keyBy], Source: m[keySource], Generation: m[keyGeneration],
	}
	r.Number, _ = strconv.ParseInt(m[keyNumber], 10, 64)
	r.Deployed, _ = time.Parse(time.RFC3339, m[keyDeployed])
	return r
}

// earlier reads what a server remembers.
func earlier(m map[string]string) []record {
	var all []record
	for key, value := range m {
		digits, is := strings.CutPrefix(key, keyHistory)
		number, err := strconv.ParseInt(digits, 10, 64)
		parts := strings.SplitN(value, " ", 5)
		if !is || err != nil || len(parts) < 5 {
			continue
		}
		r := record{Number: number, Image: parts[0], SHA256: unfield(parts[1]), Revision: unfield(parts[2]), By: parts[4]}
		r.Deployed, _ = time.Parse(time.RFC3339, parts[3])
		all = append(all, r)
	}
	return all
}

func unfield(value string) string {
	if value == "-" {
		return ""
	}
	return value
}

// past are all releases that the servers know of, newest first.
func past(servers []server) []record {
	known := map[int64]record{}
	for _, s := range servers {
		for _, r := range earlier(s.Metadata) {
			if _, is := known[r.Number]; !is {
				known[r.Number] = r
			}
		}
	}
	for _, s := range servers { // who runs it knows more of it
		known[s.record.Number] = s.record
	}
	all := slices.Collect(maps.Values(known))
	sort.Slice(all, func(i, j int) bool { return all[i].Number > all[j].Number })
	return all
}
