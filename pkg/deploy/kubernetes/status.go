package kubernetes

// Phase is what a replica is doing, in a word or a few.
type Phase string

// Phases of a replica.
const (
	Scheduling   Phase = "Scheduling"
	Pulling      Phase = "Pulling"
	Starting     Phase = "Starting"
	Initializing Phase = "Initializing"
	NotReady     Phase = "Running, not ready"
	Ready        Phase = "Ready"
	Crashed      Phase = "Crashed"
	Stopping     Phase = "Stopping"
	// Any other phase is the reason that the kubelet gives, such as
	// CrashLoopBackOff, ImagePullBackOff or CreateContainerConfigError.
)

// Replica is one pod of the new revision.
type Replica struct {
	Pod     string
	Phase   Phase
	Message string // why, if something is known
	Node    string
}

// Status is how far the rollout of one workload has come.
type Status struct {
	Object    string // deployment.apps/hello
	Desired   int32
	Updated   int32
	Ready     int32
	Available int32
	Old       int32 // replicas of earlier revisions that are still there
	Replicas  []Replica
	Note      string // what limits the view, such as a missing permission
	Done      bool
}
