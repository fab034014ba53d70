// Package deploy is what deploying to Kubernetes, to Nova and to Ironic has in
// common: a release of an application, a plan of it that writes nothing, and what is
// told while it is carried out.
package deploy

import (
	"context"
	"errors"
	"time"
)

// The kinds of targets, as ystack.yaml names them.
const (
	Container = "container" // a workload in Kubernetes
	VM        = "vm"        // servers of Nova
	Baremetal = "baremetal" // nodes of Ironic
)

// Kinds are the kinds of targets, in the order in which they are shown.
var Kinds = []string{Container, VM, Baremetal}

// Sentinels for errors.Is.
var (
	// ErrNotDeployed says that the application is not deployed there.
	ErrNotDeployed = errors.New("not deployed")
	// ErrNoRevision says that there is no such revision to go back to.
	ErrNoRevision = errors.New("no such revision")
)

// Release is one image of one application, and where it comes from. How it is to run
// is the Target's own.
type Release struct {
	App      string    `json:"app"`
	Image    string    `json:"image"`              // repository@sha256:… or glance://CLOUD/ID; "" while it is still to be made
	SHA256   string    `json:"sha256,omitempty"`   // of a machine image's bytes
	Revision string    `json:"revision,omitempty"` // of the source
	Run      string    `json:"run,omitempty"`      // the pipeline run that deploys it, if any
	By       string    `json:"by,omitempty"`       // who deploys it
	Source   string    `json:"source,omitempty"`   // where the source is, without credentials
	Deployed time.Time `json:"deployed,omitzero"`  // when; set by Current and History only
}

// Short names the release for people: its revision, or else its image.
func (r Release) Short() string {
	switch len(r.Revision) {
	case 0:
		return r.Image
	case 40, 64: // a commit; one that says "dirty" is short already
		return r.Revision[:12]
	}
	return r.Revision
}

// Target is one place that one application is deployed to: a namespace of a cluster,
// or a project of a cloud.
type Target interface {
	// Kind is Container, VM or Baremetal.
	Kind() string
	// Place says where, for people: "cluster lab, namespace hello".
	Place() string
	// Current is what was deployed last; ErrNotDeployed if nothing was.
	Current(ctx context.Context) (Release, error)
	// Plan looks at what is there and says what carrying out the release comes to. It
	// writes nothing, and refuses what it can know not to succeed. A release without
	// an Image rehearses one that is still to be made: all but the image is checked.
	Plan(ctx context.Context, r Release) (Plan, error)
	// History lists what was deployed, newest first; ErrNotDeployed if nothing was.
	History(ctx context.Context) ([]Entry, error)
	// Rollback plans going back to the entry of that number, or to the one before the
	// current one if it is 0. ErrNoRevision if there is none.
	Rollback(ctx context.Context, number int64) (Plan, error)
}

// Plan is what a release comes to. Making one writes nothing.
type Plan interface {
	// Changes are what would be done, in order. None: the release runs and is well.
	Changes() []Change
	// Apply does it, and waits until every replica is well or one has failed, with
	// the cause. It can be interrupted at any time; planning and applying the same
	// release again finishes it, and makes nothing twice.
	Apply(ctx context.Context, report Report) error
	// Endpoints are where the application answers, once it was applied.
	Endpoints(ctx context.Context) ([]string, error)
}

// Report is told how far a plan has come: a line for people, and the state of every
// part that is waited for.
type Report func(message string, items ...Item)

// Item is the state of one part, such as a pod, a server or a node.
type Item struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Action is what was, or would be, done to an object.
type Action string

// What can happen to an object.
const (
	Created    Action = "created"
	Configured Action = "configured"
	Rebuilt    Action = "rebuilt"
	Moved      Action = "moved" // an address, or a member of a load balancer
	Unchanged  Action = "unchanged"
	Deleted    Action = "deleted"
	Kept       Action = "kept" // no longer part of the release, left because it holds data
)

// Change is what was, or would be, done to one object.
type Change struct {
	Object string `json:"object"` // deployment.apps/hello, server/hello-0, node/lab-3
	Action Action `json:"action"`
	Detail string `json:"detail,omitempty"` // one line for people, such as the reason
	Diff   string `json:"diff,omitempty"`   // unified, where there is one
}

// Entry is one release in a history.
type Entry struct {
	Release
	Number  int64  `json:"number"` // counts up from 1
	Current bool   `json:"current,omitempty"`
	State   string `json:"state"` // StateReady, …
}

// States of an Entry.
const (
	StateReady       = "ready"       // current, every replica well
	StateProgressing = "progressing" // current, not there yet
	StateFailed      = "failed"      // current, and it will not get there
	StateSuperseded  = "superseded"  // not current
)
