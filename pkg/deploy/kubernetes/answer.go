package kubernetes

// Answer is where an application answers.
type Answer struct {
	Namespace string
	Service   string   // name; empty if the release has no ports
	DNS       string   // hello.namespace.svc
	URLs      []string // http://CLUSTERIP:PORT, or tcp://…
	NodePorts []int32
	External  []string // load balancer addresses and host names, with port
}

// Outcome is what came of fetching the health path.
type Outcome string

// Outcomes of a Check.
const (
	Answered    Outcome = "answered"     // see Status
	NoEndpoints Outcome = "no endpoints" // nothing behind the Service yet
	Forbidden   Outcome = "forbidden"    // the user may not use the Service's proxy
	NoService   Outcome = "no service"   // the release has no ports: nothing to ask
	NotHTTP     Outcome = "not HTTP"     // the application has no HTTP health path
	NoAnswer    Outcome = "no answer"    // the proxy could not connect, or the answer never came
)

// Check is the outcome of a real request to the application.
type Check struct {
	Outcome Outcome
	Path    string // what was asked for
	Status  int    // HTTP status, if answered
	Body    []byte // at most the first 4 KiB, if answered
	Detail  string // otherwise, what the server said
}
