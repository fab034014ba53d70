package pipeline

import (
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

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
	// Target is what the step is of; container in logs that do not say.
	Target string `json:"target,omitempty"`
	// Place tells several targets of one kind apart: a context, or a cloud.
	Place string `json:"place,omitempty"`
	// Message is one line for people.
	Message string `json:"message,omitempty"`
	// Items are the parts that a step waits for, such as replicas.
	Items []deploy.Item `json:"items,omitempty"`
	// Output is what later steps and later runs may rely on.
	Output map[string]string `json:"output,omitempty"`
	// Subject is set on RunStarted.
	Subject *Subject `json:"subject,omitempty"`
}

// Name is the event's target, with its place if that is told.
func (e Event) Name() string {
	if e.Place == "" {
		return e.Target
	}
	return e.Target + "@" + e.Place
}

// Subject is what a run is about. Two runs with a Key in common exclude each
// other: they would push to and deploy to the same place. What is of one target is
// also in Targets; the fields here are those of the container's, if there is one.
type Subject struct {
	App       string `json:"app"`
	Target    string `json:"target"` // container,vm
	Revision  string `json:"revision"`
	Shallow   bool   `json:"shallow,omitempty"`
	Source    string `json:"source,omitempty"`
	Dir       string `json:"dir"`
	Image     string `json:"image,omitempty"`
	Cluster   string `json:"cluster,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Inputs    string `json:"inputs"`
	By        string `json:"by"`
	Key       string `json:"key"`
	Targets   []Aim  `json:"targets,omitempty"`
}

// Aim is what a run is about for one target.
type Aim struct {
	Target string   `json:"target"`
	Image  string   `json:"image"`
	Place  string   `json:"place"`
	Inputs string   `json:"inputs"`
	Key    string   `json:"key"`
	Steps  []string `json:"steps"` // in the order in which they are taken
}

// Aims are the targets of the run; logs of old have one.
func (s *Subject) Aims() []Aim {
	if len(s.Targets) > 0 || s.App == "" {
		return s.Targets
	}
	return []Aim{{Target: deploy.Container, Image: s.Image, Place: "cluster " + s.Cluster + ", namespace " + s.Namespace, Inputs: s.Inputs, Key: s.Key, Steps: steps}}
}

// aim is that for a target, or nil.
func (s *Subject) aim(target string) *Aim {
	for _, a := range s.Aims() {
		if a.Target == target {
			return &a
		}
	}
	return nil
}
