// Package where finds what was built from a commit, where its images lie and what runs
// them. There is no database to ask: registries, Glance, Artifactory, Kubernetes, Nova
// and Ironic each keep what they know of an image or a workload with it.
package where

import (
	"cmp"
	"context"
	"sort"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// Image is an image in one of the places that have it.
type Image struct {
	App      string `json:"app"`
	Revision string `json:"revision"`
	// BuiltFrom is the commit that it was built from, if that is an earlier one with the
	// same inputs.
	BuiltFrom string         `json:"builtFrom,omitempty"`
	Target    string         `json:"target"`
	Digest    string         `json:"digest,omitempty"` // of a container's manifest, of the bytes of a machine's disk
	Ref       store.Ref      `json:"ref"`
	ID        string         `json:"id,omitempty"` // Glance's, or the digest of the manifest
	Format    string         `json:"format,omitempty"`
	Size      int64          `json:"size,omitempty"`
	State     string         `json:"state"`
	Since     time.Time      `json:"since,omitzero"`
	Runs      []pipeline.Run `json:"runs,omitempty"` // that are about it, newest first
}

// Workload is what runs an image: a workload of Kubernetes, a server of Nova, a node of
// Ironic.
type Workload struct {
	App      string    `json:"app"`
	Revision string    `json:"revision,omitempty"`
	Target   string    `json:"target"`
	Name     string    `json:"name"` // deployment.apps/hello, server/hello-0, node/rack1-3
	ID       string    `json:"id,omitempty"`
	Place    string    `json:"place"`           // cluster lab, namespace hello; cloud lab
	Image    string    `json:"image,omitempty"` // what its record says
	Has      string    `json:"has,omitempty"`   // what it really has, if that is another one
	Digest   string    `json:"digest,omitempty"`
	State    string    `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	By       string    `json:"by,omitempty"`
	Run      string    `json:"run,omitempty"`
	Source   string    `json:"source,omitempty"`
	Drift    []string  `json:"drift,omitempty"`

	cloud    string
	unlisted bool // its image is in no list
	gone     bool // its image is not where it should be
	unnamed  bool // neither record nor image tell a commit
}

// Finder knows the places to ask.
type Finder struct {
	// Open is the store of a place. List leaves out what is under other tags than those
	// that tagged, if it is not nil, says yes to.
	Open   func(of store.Ref, tagged func(string) bool) (store.Store, error)
	Places []store.Ref // that keep images
	// Known are applications to look for in registries that do not tell what they have,
	// beside those that are found elsewhere.
	Known    []string
	Registry *image.Client // for the records of runs
	Clusters []Cluster
	Clouds   []Cloud
	// Patience is how long a place may take; 0 stands for half a minute.
	Patience time.Duration
}

// Search is what to find.
type Search struct {
	Query   Query
	Records bool // read the records of the runs that made the images, too
	Drift   bool // find out what is wrong with workloads
}

// Answer is what was found. What could not be asked is in Failures; the rest holds.
type Answer struct {
	Images    []Image
	Workloads []Workload
	Failures  []error
	Notes     []string // what else to know about the answer
}

// Find asks all places at the same time.
func (f *Finder) Find(ctx context.Context, s Search) Answer {
	x := &search{Finder: f, Search: s, seen: map[string]bool{}}
	x.everywhere(ctx)
	images, workloads := s.Query.choose(x.images, x.workloads)
	if len(images)+len(workloads) == 0 && (s.Query.isDigest() || s.Query.canBeDigest()) {
		x.list(ctx, "", nil) // all have to be looked at
		x.asking.Wait()
		x.byName(ctx)
		images, workloads = s.Query.digests(x.images, x.workloads)
	}
	everything := x.workloads
	x.picked, x.workloads = images, workloads
	if s.Records || s.Query.isCommit() {
		x.records(ctx)
		x.alongRuns(everything)
	}
	x.lookUp(ctx)
	if s.Drift {
		for i := range x.workloads {
			x.workloads[i].Drift = x.drift(x.workloads[i])
		}
	}
	x.sort()
	return Answer{x.picked, x.workloads, x.failures(), x.notes}
}

// sort has the newest revision of an application first, and all of a revision together.
func (x *search) sort() {
	newest := map[[2]string]time.Time{}
	for _, i := range x.picked {
		if key := [2]string{i.App, i.Revision}; newest[key].Before(i.Since) {
			newest[key] = i.Since
		}
	}
	sort.SliceStable(x.picked, func(i, k int) bool {
		a, b := &x.picked[i], &x.picked[k]
		return cmp.Or(cmp.Compare(a.App, b.App), newest[[2]string{b.App, b.Revision}].Compare(newest[[2]string{a.App, a.Revision}]),
			cmp.Compare(a.Revision, b.Revision), cmp.Compare(rank(a.Target), rank(b.Target)), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Ref.String(), b.Ref.String())) < 0
	})
	sort.SliceStable(x.workloads, func(i, k int) bool {
		a, b := &x.workloads[i], &x.workloads[k]
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(rank(a.Target), rank(b.Target)), cmp.Compare(a.Place, b.Place),
			cmp.Compare(a.Name, b.Name), b.Since.Compare(a.Since)) < 0
	})
}

// rank is the target's place in the order in which targets are shown. What belongs to one,
// such as the kernel beside an image, comes after it.
func rank(target string) int {
	for i, kind := range deploy.Kinds {
		if strings.HasPrefix(target, kind) {
			return 2*i + min(1, len(target)-len(kind))
		}
	}
	return 2 * len(deploy.Kinds)
}
