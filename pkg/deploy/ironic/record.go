package ironic

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// The record is in a node's instance_info, beside image_source and the like, under keys
// that begin with ystack_. A rebuild keeps instance_info, a reboot of everything does too;
// an undeploy empties it and ends the allocation, so that a node which is given back says
// nothing of us. (Its extra, which survives that, is its operator's, and only read.) The
// allocation's own extra has application and ordinal, from before there is a node.
const (
	keyPrefix   = "ystack_"
	keyApp      = "ystack_app"
	keyRevision = "ystack_revision"
	keyImage    = "ystack_image"
	keySHA256   = "ystack_sha256"
	keyRun      = "ystack_run"
	keyBy       = "ystack_by"
	keySource   = "ystack_source"
	keyOrdinal  = "ystack_ordinal"
	keyNumber   = "ystack_number"    // of the release in the history
	keyUserData = "ystack_user_data" // a SHA-256
	keyDeployed = "ystack_deployed"  // when it became active; not there before
	keyBegun    = "ystack_begun"     // see record.begun
	keyPast     = "ystack_past"      // JSON: what was on the node before, newest first
)

// maxPast is how many releases before the current one a node remembers.
const maxPast = 10

// entry is a release in the history.
type entry struct {
	deploy.Release
	Number   int64  `json:"number"`
	UserData string `json:"userData,omitempty"`
}

// same tells whether two releases are one: who deploys it, and in which run, is no part of it.
func (e entry) same(other entry) bool {
	return e.sameContent(other) && e.Revision == other.Revision
}

// sameContent tells whether a node would be the same after a rebuild.
func (e entry) sameContent(other entry) bool {
	sameImage := e.Image == other.Image || e.SHA256 != "" && e.SHA256 == other.SHA256
	return e.App == other.App && sameImage && e.UserData == other.UserData
}

// record is what a node says of the release on it.
type record struct {
	entry
	ordinal int
	// begun is when the node came into the state in which the deployment of this release
	// was begun, "" once that has come to its end. While that is still the time of the node's last
	// change, Ironic has not been told: it is how a killed deployment is told from a finished one.
	begun string
	past  []entry
}

// read is a node's record; its App is "" if there is none.
func read(n *baremetal.Node) record {
	text := func(key string) string {
		s, _ := n.InstanceInfo[key].(string)
		return s
	}
	r := record{entry: entry{Release: deploy.Release{
		App: text(keyApp), Image: text(keyImage), SHA256: text(keySHA256), Revision: text(keyRevision),
		Run: text(keyRun), By: text(keyBy), Source: text(keySource), Deployed: when(text(keyDeployed)),
	}, UserData: text(keyUserData)}, begun: text(keyBegun)}
	r.Number, _ = strconv.ParseInt(text(keyNumber), 10, 64)
	r.ordinal, _ = strconv.Atoi(text(keyOrdinal))
	_ = json.Unmarshal([]byte(text(keyPast)), &r.past) // what cannot be read is no history
	return r
}

// when reads a time as Ironic writes them.
func when(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// texts are the record's keys and values; an empty value is one that is not to be there.
func (r record) texts() map[string]string {
	past, err := json.Marshal(r.past)
	if err != nil || len(r.past) == 0 {
		past = nil
	}
	deployed := ""
	if !r.Deployed.IsZero() {
		deployed = r.Deployed.Format(time.RFC3339)
	}
	return map[string]string{
		keyApp: r.App, keyRevision: r.Revision, keyImage: r.Image, keySHA256: r.SHA256, keyRun: r.Run, keyBy: r.By,
		keySource: r.Source, keyOrdinal: strconv.Itoa(r.ordinal), keyNumber: strconv.FormatInt(r.Number, 10),
		keyUserData: r.UserData, keyDeployed: deployed, keyBegun: r.begun, keyPast: string(past),
	}
}

// over is the record of a release that is begun on a node: what was there before becomes
// the past, if it ever ran.
func over(n *baremetal.Node, e entry, ordinal int) record {
	old := read(n)
	r := record{entry: e, ordinal: ordinal, begun: n.Changed}
	if old.App != e.App {
		return r
	}
	r.past = old.past
	if old.Number == e.Number {
		return r
	}
	if old.begun != "" && n.State == baremetal.Active && n.Changed != old.begun {
		old.begun, old.Deployed = "", when(n.Changed) // it was deployed, and then we were killed
	}
	if old.begun == "" {
		r.past = append([]entry{old.entry}, r.past...)
	}
	r.past = r.past[:min(len(r.past), maxPast)]
	return r
}

// write is the patch that brings texts into a node's instance_info.
func write(n *baremetal.Node, texts map[string]string) []baremetal.Change {
	var all []baremetal.Change
	for key, value := range texts {
		path := "/instance_info/" + key
		old, there := n.InstanceInfo[key]
		switch {
		case value == "" && there:
			all = append(all, baremetal.Change{Op: "remove", Path: path})
		case value != "" && old != value:
			all = append(all, baremetal.Change{Op: "add", Path: path, Value: value})
		}
	}
	return all
}

// erase is the patch that takes all of ours out of a node's instance_info.
func erase(n *baremetal.Node) []baremetal.Change {
	texts := map[string]string{}
	for key := range n.InstanceInfo {
		if strings.HasPrefix(key, keyPrefix) {
			texts[key] = ""
		}
	}
	for _, key := range imageKeys {
		texts[key] = ""
	}
	return write(n, texts)
}
