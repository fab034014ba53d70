package where

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Query is a commit, a digest or the name of an application; the empty one is for
// everything.
type Query struct {
	text   string
	commit string // that text names in the checkout
}

var (
	hex         = regexp.MustCompile(`^[0-9a-f]{4,64}$`)
	dirty       = regexp.MustCompile(`^[0-9a-f]{12}-dirty\.[0-9a-f]{1,8}$`)
	digest      = regexp.MustCompile(`^sha256:[0-9a-f]{4,64}$`)
	application = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
)

// Parse reads a query. commit is what the text names in the checkout that one is in, as
// HEAD does, and empty if it names nothing.
func Parse(text, commit string) (Query, error) {
	text = strings.TrimPrefix(text, "revision/")
	switch {
	case commit != "", digest.MatchString(text), dirty.MatchString(text), hex.MatchString(text), application.MatchString(text):
		return Query{text, commit}, nil
	case strings.HasPrefix(text, "sha256:"):
		return Query{}, fmt.Errorf("%q is no digest: it is sha256: and 4 to 64 hexadecimal digits, in small letters", text)
	}
	return Query{}, fmt.Errorf("%q is neither a commit (of the checkout here, or in hexadecimal), nor sha256:DIGEST, nor the name of an application", text)
}

func (q Query) isApplication() bool { return application.MatchString(q.text) }
func (q Query) isCommit() bool {
	return q.commit != "" || hex.MatchString(q.text) || dirty.MatchString(q.text)
}
func (q Query) canBeDigest() bool { return hex.MatchString(q.text) }
func (q Query) isDigest() bool    { return digest.MatchString(q.text) }

// revision tells whether a revision is the commit, with or without changes beside it.
func (q Query) revision(revision string) bool {
	if revision == "" || !q.isCommit() {
		return false
	}
	commit := q.commit
	if commit == "" {
		commit = q.text
	}
	if strings.HasPrefix(revision, commit) {
		return true
	}
	clean, _, isDirty := strings.Cut(revision, "-dirty.")
	return isDirty && strings.HasPrefix(commit, clean) && !strings.Contains(commit, "-")
}

// sum tells whether a digest begins as the query's.
func (q Query) sum(sum string) bool {
	want := strings.TrimPrefix(q.text, "sha256:")
	return strings.HasPrefix(strings.TrimPrefix(sum, "sha256:"), want)
}

// choose picks what the query is about: an application if there is one of that name, else
// a commit.
func (q Query) choose(images []Image, workloads []Workload) ([]Image, []Workload) {
	if q.text == "" {
		return images, workloads
	}
	i, w := pick(images, workloads, func(i Image) bool { return i.App == q.text }, func(w Workload) bool { return w.App == q.text })
	if len(i)+len(w) > 0 {
		return i, w
	}
	return along(images, workloads,
		func(i Image) bool { return q.revision(i.Revision) || q.revision(i.BuiltFrom) },
		func(w Workload) bool { return q.revision(w.Revision) })
}

// digests picks what the query is about if it is a digest.
func (q Query) digests(images []Image, workloads []Workload) ([]Image, []Workload) {
	return along(images, workloads,
		func(i Image) bool { return q.sum(i.Digest) || i.Ref.Scheme == store.OCI && q.sum(i.ID) },
		func(w Workload) bool { return q.sum(w.Digest) })
}

// along is pick, and takes the workloads along that run a picked image of their
// application, whatever revision they say that it is of.
func along(images []Image, workloads []Workload, image func(Image) bool, workload func(Workload) bool) ([]Image, []Workload) {
	picked := map[[2]string]bool{}
	for _, i := range images {
		if image(i) {
			picked[[2]string{i.App, i.Digest}] = i.Digest != ""
		}
	}
	return pick(images, workloads, image, func(w Workload) bool { return workload(w) || picked[[2]string{w.App, w.Digest}] })
}

func pick(images []Image, workloads []Workload, image func(Image) bool, workload func(Workload) bool) (is []Image, ws []Workload) {
	for _, i := range images {
		if image(i) {
			is = append(is, i)
		}
	}
	for _, w := range workloads {
		if workload(w) {
			ws = append(ws, w)
		}
	}
	return is, ws
}
