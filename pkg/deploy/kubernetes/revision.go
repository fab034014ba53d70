package kubernetes

import "time"

// HistoryState is how a revision fares.
type HistoryState string

// States of a revision.
const (
	StateReady       HistoryState = "ready"       // current, all replicas available
	StateProgressing HistoryState = "progressing" // current, not there yet
	StateFailed      HistoryState = "failed"      // current, and the cluster gave up on it
	StateSuperseded  HistoryState = "superseded"  // not current
)

// HistoryEntry is one revision of a Deployment that can be gone back to.
type HistoryEntry struct {
	Deployment string       `json:"deployment"`
	Number     int64        `json:"number"` // what rollback --to-revision takes
	Revision   string       `json:"revision,omitempty"`
	Image      string       `json:"image"`
	Created    time.Time    `json:"created"`
	By         string       `json:"by,omitempty"`
	Run        string       `json:"run,omitempty"`
	Source     string       `json:"source,omitempty"`
	Current    bool         `json:"current"`
	State      HistoryState `json:"state"`
}

// RollbackResult is what a rollback did, for one Deployment each.
type RollbackResult struct {
	From, To HistoryEntry
	Action   Action // Configured, or Unchanged if To is current already
	Workload Workload
}
