package where

import (
	"path"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// alongRuns takes along what the runs of the commit left as it was: images of other
// commits with the same inputs, and what runs them. Only the runs' records tell.
func (x *search) alongRuns(workloads []Workload) {
	kept := map[string]bool{} // ids of images in Glance
	for _, i := range x.picked {
		for _, r := range i.Runs {
			for _, ref := range r.Images {
				if strings.HasPrefix(ref, store.Glance+"://") {
					kept[path.Base(ref)] = true
				}
			}
		}
	}
	if len(kept) == 0 || !x.Query.isCommit() {
		return
	}
	for _, one := range x.images {
		if one.Ref.Scheme != store.Glance || !kept[one.ID] || x.Query.revision(one.Revision) {
			continue
		}
		x.note("the %s image of %s has the same inputs in %s, which it was built from", one.Target, one.App, one.Revision)
		for _, i := range x.images { // with its copies, and the kernel beside it
			if i.App == one.App && i.Revision == one.Revision && strings.HasPrefix(i.Target, one.Target) && !slices.ContainsFunc(x.picked, i.same) {
				x.picked = append(x.picked, i)
			}
		}
		for _, w := range workloads {
			if w.App == one.App && path.Base(w.Image) == one.ID && !slices.ContainsFunc(x.workloads, w.is) {
				x.workloads = append(x.workloads, w)
			}
		}
	}
}

func (w Workload) is(other Workload) bool {
	return w.Name == other.Name && w.ID == other.ID && w.Place == other.Place
}
