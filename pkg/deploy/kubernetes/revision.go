package kubernetes

import "github.com/ystackdev/ystack/pkg/deploy"

// HistoryEntry is one revision of a Deployment that can be gone back to.
type HistoryEntry struct {
	Deployment string `json:"deployment"`
	deploy.Entry
}

// RollbackResult is what a rollback did, for one Deployment each.
type RollbackResult struct {
	From, To HistoryEntry
	Action   deploy.Action // Configured, or Unchanged if To is current already
	Workload Workload
}
