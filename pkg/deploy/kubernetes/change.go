package kubernetes

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// DryRun says how far an Apply goes.
type DryRun string

// kubectl's values of --dry-run.
const (
	DryRunNone   DryRun = "none"
	DryRunClient DryRun = "client"
	DryRunServer DryRun = "server"
)

// Workload is something that runs the image and can be waited for.
type Workload struct {
	Resource  schema.GroupVersionResource
	Kind      string
	Namespace string
	Name      string
	// UID and Template are those of the object that was applied: Wait reports it
	// if another one takes its place. Empty means whatever is found first.
	UID      types.UID
	Template string
}

// Result is what Apply did.
type Result struct {
	Changes   []deploy.Change
	Workloads []Workload
}

// Changed says whether anything was, or would be, written.
func (r Result) Changed() bool {
	for _, c := range r.Changes {
		if c.Action != deploy.Unchanged && c.Action != deploy.Kept {
			return true
		}
	}
	return false
}

// Differs says whether any of the changes has a difference to show.
func Differs(changes []deploy.Change) bool {
	for _, c := range changes {
		if c.Diff != "" {
			return true
		}
	}
	return false
}
