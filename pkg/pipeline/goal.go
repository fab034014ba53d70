package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/source"
)

// Target is one platform that an application is brought to: a *Container or a
// *Machine.
type Target interface {
	goal() *Goal
	// place is where the image is deployed to.
	place() deploy.Target
	// aim says what the run is about, once that is resolved.
	aim() Aim
	// check asks, before anything is changed, whether all that the run needs is there.
	check(ctx context.Context, w work) (result, error)
	// resolve hashes the inputs and looks for an image that was made of the same ones.
	resolve(ctx context.Context, w work) (result, error)
	// found is the image of the same inputs if it is where it is deployed from, under
	// this revision's name; else "".
	found(ctx context.Context) (string, error)
	// making are the steps that bring the image there.
	making() []step
	// where is what the deploy step leaves for the record.
	where() map[string]string
	// close removes what was fetched.
	close()
}

// Goal is what all targets of an application have in common.
type Goal struct {
	App      *app.Application
	Dir      string // of ystack.yaml
	Revision source.Revision
	By       string // who runs it, for the record

	inputs   string             // hash of all that decides the image's content
	image    string             // what is deployed
	sha256   string             // of a machine image
	made     string             // the revision that the image was made of, if that is an earlier one
	prior    *Run               // the run before this one that had the same target, if any
	imageDir string             // where a builder without a store of its own leaves the image
	lock     *os.File           // that programs which outlive us hold as well
	boundary func(point string) // of the deploy step
	plan     deploy.Plan
}

func (g *Goal) goal() *Goal { return g }
func (g *Goal) close()      {}

// release is what the target is to run; run is empty where there is none.
func (g *Goal) release(run string) deploy.Release {
	return deploy.Release{
		App: g.App.Metadata.Name, Image: g.image, SHA256: g.sha256,
		Revision: cmp.Or(g.made, g.Revision.String()), Run: run, By: g.By, Source: g.Revision.Remote,
	}
}

// keyOf names what a run changes: two runs with the same key must not overlap.
func keyOf(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:8])
}

// earlier reports whether the run before this one was about the same inputs.
func (g *Goal) earlier(target string) bool {
	if g.prior == nil {
		return false
	}
	a := g.prior.aim(target)
	return a != nil && a.Inputs == g.inputs && g.prior.Revision == g.Revision.String()
}

// upToDate reports whether the image of these inputs is published under this
// revision and runs as the application says. It needs no local record: those that
// have it are asked.
func upToDate(ctx context.Context, t Target) (bool, error) {
	g, to := t.goal(), t.place()
	if g.prior != nil && g.prior.TargetState(to.Kind()) != Succeeded {
		return false, nil
	}
	image, err := t.found(ctx)
	if err != nil || image == "" {
		return false, err
	}
	g.image = image
	if g.plan, err = to.Plan(ctx, g.release("")); err != nil {
		return false, nil //nolint:nilerr // the deploy step says what is wrong
	}
	return len(g.plan.Changes()) == 0, nil
}

// steps are those that every target has; verifyStep is the last one.
var steps = []string{"check", "resolve", "build", "publish", "deploy", verifyStep}

const verifyStep = "verify"

// deploying are the last steps of every target.
func deploying(t Target, release func() deploy.Release) []step {
	g, to := t.goal(), t.place()
	return []step{
		{"deploy", func(ctx context.Context, w work) (result, error) {
			r := release()
			var err error
			if g.plan, err = to.Plan(ctx, r); err != nil {
				return result{}, err
			}
			message, err := apply(ctx, g.plan, w, g.boundary)
			output := t.where()
			output["image"] = r.Image
			return result{message, output}, err
		}},
		{verifyStep, func(ctx context.Context, _ work) (result, error) { return verify(ctx, to, g.plan, release()) }},
	}
}

// apply carries the plan out and returns what was said last, or how the parts of it are.
// The boundary is called after
// each thing that is said: told-1 and so on.
func apply(ctx context.Context, plan deploy.Plan, w work, boundary func(point string)) (last string, err error) {
	var mu sync.Mutex
	var parts []deploy.Item
	told := 0
	err = plan.Apply(ctx, func(message string, items ...deploy.Item) {
		mu.Lock()
		defer mu.Unlock()
		if message != "" {
			last = message
		}
		if len(items) > 0 {
			parts = items
		}
		w.progress(message, items...)
		told++
		boundary(fmt.Sprintf("told-%d", told))
	})
	return cmp.Or(last, states(parts)), err
}

// states counts parts by their state: "2 active, 1 deploying".
func states(parts []deploy.Item) string {
	count := map[string]int{}
	for _, it := range parts {
		count[it.State]++
	}
	var list []string
	for _, state := range slices.Sorted(maps.Keys(count)) {
		list = append(list, fmt.Sprintf("%d %s", count[state], state))
	}
	return strings.Join(list, ", ")
}

// verifier is a plan that can ask the application as its users would.
type verifier interface {
	Verify(ctx context.Context) (string, error)
}

// verify sees that what was deployed does its work: it answers, or at least there is
// nothing left to do.
func verify(ctx context.Context, to deploy.Target, plan deploy.Plan, r deploy.Release) (result, error) {
	if v, ok := plan.(verifier); ok {
		message, err := v.Verify(ctx)
		return result{message: message}, err
	}
	again, err := to.Plan(ctx, r)
	if err != nil {
		return result{}, err
	}
	for _, c := range again.Changes() {
		return result{}, fmt.Errorf("it did not last: %s would have to be %s: %s", c.Object, c.Action, c.Detail)
	}
	endpoints, err := again.Endpoints(ctx)
	if err != nil {
		return result{}, err
	}
	if len(endpoints) == 0 {
		return result{message: "all of it is as it should be"}, nil
	}
	return result{"at " + strings.Join(endpoints, ", "), map[string]string{"endpoints": strings.Join(endpoints, " ")}}, nil
}
