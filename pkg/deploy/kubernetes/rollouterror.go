package kubernetes

// Cause is why a rollout failed.
type Cause string

// Causes of a failed rollout.
const (
	CauseImage         Cause = "image"         // the image cannot be pulled
	CauseCrash         Cause = "crash"         // a container ends, again and again
	CauseConfig        Cause = "config"        // a container cannot be made: a ConfigMap or Secret is missing, …
	CauseUnschedulable Cause = "unschedulable" // no node takes the pod
	CauseQuota         Cause = "quota"         // a ResourceQuota is exceeded
	CauseAdmission     Cause = "admission"     // the server refuses the pods: Pod Security, LimitRange, a webhook
	CauseNotReady      Cause = "not-ready"     // the replicas run and do not get ready
	CauseNotStarted    Cause = "not-started"   // the replicas have not come so far as to run
	CauseDeleted       Cause = "deleted"       // somebody deleted the workload meanwhile
	CausePaused        Cause = "paused"        // the Deployment is paused
	CauseSuperseded    Cause = "superseded"    // somebody rolled out something newer meanwhile
	CauseStrategy      Cause = "strategy"      // updateStrategy OnDelete: nothing rolls out by itself
)

// RolloutError says why a rollout did not come to its end.
type RolloutError struct {
	Cause   Cause
	Object  string   // what failed: pod/hello-7d4b9-x2x, deployment.apps/hello
	Detail  string   // what happened, with the server's own words
	LogTail []string // last lines of the container's log, if it ran
	Hint    string   // what to do

	err error // why the wait ended, if it was not the rollout that failed
}

func (e *RolloutError) Error() string {
	s := e.Object + ": " + e.Detail
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap tells a rollout that ran out of time from one that failed: the
// cause of the context's end, context.DeadlineExceeded if it has none of its own.
func (e *RolloutError) Unwrap() error { return e.err }
