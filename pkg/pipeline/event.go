package pipeline

import "time"

// EventType says what an Event tells.
type EventType string

// The events of a run, in the order in which they can occur.
const (
	RunStarted   EventType = "run.started"
	RunResumed   EventType = "run.resumed"
	StepStarted  EventType = "step.started"
	StepProgress EventType = "step.progress"
	StepDone     EventType = "step.done"
	StepFailed   EventType = "step.failed"
	RunSucceeded EventType = "run.succeeded"
	RunFailed    EventType = "run.failed"
)

// Event is one line of a run's log.
type Event struct {
	Time time.Time `json:"time"`
	Run  string    `json:"run"`
	Type EventType `json:"type"`
	Step string    `json:"step,omitempty"`
	// Message is one line for people.
	Message string `json:"message,omitempty"`
	// Items are the parts that a step waits for, such as replicas.
	Items []Item `json:"items,omitempty"`
	// Output is what later steps and later runs may rely on.
	Output map[string]string `json:"output,omitempty"`
	// Subject is set on RunStarted.
	Subject *Subject `json:"subject,omitempty"`
}

// Item is the state of one part that a step waits for.
type Item struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Subject is what a run is about. Two runs with the same Key exclude each
// other: they would push to and deploy to the same place.
type Subject struct {
	App       string `json:"app"`
	Target    string `json:"target"`
	Revision  string `json:"revision"`
	Shallow   bool   `json:"shallow,omitempty"`
	Source    string `json:"source,omitempty"`
	Dir       string `json:"dir"`
	Image     string `json:"image"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Inputs    string `json:"inputs"`
	By        string `json:"by"`
	Key       string `json:"key"`
}
