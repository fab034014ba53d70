package where

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// search is one under way.
type search struct {
	*Finder
	Search

	asking sync.WaitGroup

	mu        sync.Mutex
	seen      map[string]bool // images, by reference and id
	images    []Image         // all that were come across
	picked    []Image         // those that are wanted
	workloads []Workload
	unlisted  []unlisted
	failed    []failure
	notes     []string
}

// unlisted is a registry that does not tell which repositories it has.
type unlisted struct {
	of     store.Ref
	tagged func(string) bool
	err    error
}

// failure is what went wrong, at one or more places.
type failure struct {
	places []string
	text   string
}

// errSilent is the cause when a place takes too long.
var errSilent = errors.New("no answer in time")

// ask asks a place beside the others.
func (x *search) ask(ctx context.Context, place string, do func(context.Context) error) {
	patience := x.Patience
	if patience == 0 {
		patience = 30 * time.Second
	}
	x.asking.Go(func() {
		within, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
		defer cancel()
		err := do(within)
		if err != nil && context.Cause(within) == errSilent { //nolint:errorlint // the very value
			err = fmt.Errorf("no answer within %s", patience)
		}
		x.fail(place, err)
	})
}

// atOnce is how many images are asked about at a time.
const atOnce = 8

// askEach asks about many things, not all of them at once.
func (x *search) askEach(ctx context.Context, n int, about func(k int) (place string, do func(context.Context) error)) {
	slots := make(chan struct{}, atOnce)
	for k := range n {
		place, do := about(k)
		slots <- struct{}{}
		x.ask(ctx, place, func(ctx context.Context) error {
			defer func() { <-slots }()
			return do(ctx)
		})
	}
	x.asking.Wait()
}

// fail notes an error. Several services of a cloud can have the same, such as that
// nobody may log in to it.
func (x *search) fail(place string, err error) {
	if err == nil {
		return
	}
	text := said(err)
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.failed {
		if f := &x.failed[i]; f.text == text {
			if !slices.Contains(f.places, place) {
				f.places = append(f.places, place)
			}
			return
		}
	}
	x.failed = append(x.failed, failure{[]string{place}, text})
}

// said is the text of an error without the place, which is told anyway.
func said(err error) string {
	text := err.Error()
	var of *store.Error
	if errors.As(err, &of) {
		text = strings.TrimPrefix(text, of.Ref.String()+": ")
	}
	return text
}

func (x *search) failures() []error {
	var all []error
	for _, f := range x.failed {
		all = append(all, fmt.Errorf("%s: %s", strings.Join(f.places, ", "), f.text))
	}
	return all
}

func (x *search) note(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.notes = append(x.notes, fmt.Sprintf(format, args...))
}

func (x *search) found(workloads ...Workload) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.workloads = append(x.workloads, workloads...)
}

// everywhere asks for what runs and for images. If everything is wanted, the images are
// those of what runs: a registry can have hundreds of thousands.
func (x *search) everywhere(ctx context.Context) {
	for _, c := range x.Clusters {
		x.ask(ctx, c.place(), func(ctx context.Context) error { return x.cluster(ctx, c) })
	}
	for _, c := range x.Clouds {
		x.ask(ctx, "Nova of "+c.place(), func(ctx context.Context) error { return x.servers(ctx, c) })
		x.ask(ctx, "Ironic of "+c.place(), func(ctx context.Context) error { return x.nodes(ctx, c) })
	}
	// What a digest is of, only all images can tell: see Find.
	if x.Query.isCommit() {
		x.list(ctx, "", x.Query.revision)
	}
	if x.Query.isApplication() {
		x.list(ctx, x.Query.text, nil)
	}
	x.asking.Wait()
	x.byName(ctx)
}
