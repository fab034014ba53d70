package kubernetes

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// trouble is what keeps a pod from being ready.
type trouble struct {
	cause     Cause
	pod       *pod
	container string
	previous  bool // the log wanted is that of the previous start
	hasLog    bool
	detail    string
	hint      string
	definite  bool // time will not mend it
}

func (t *trouble) error() *RolloutError {
	return &RolloutError{Cause: t.cause, Object: "pod/" + t.pod.Name, Detail: t.detail, Hint: t.hint}
}

// troubleOf says what is wrong with a pod; nil if nothing is known to be.
func (v *view) troubleOf(p *pod) *trouble {
	for _, c := range p.Status.InitContainers {
		if t := v.containerTrouble(p, c, "init container "); t != nil {
			return t
		}
	}
	for _, c := range p.Status.Containers {
		if t := v.containerTrouble(p, c, "container "); t != nil {
			return t
		}
	}
	return nil
}

func (v *view) containerTrouble(p *pod, c containerStatus, what string) *trouble {
	t := &trouble{pod: p, container: c.Name}
	what += c.Name
	if ended := c.State.Terminated; ended != nil {
		// The first time may be bad luck (a database that is not up yet).
		if ended.ExitCode != 0 && c.RestartCount >= 1 {
			// The runtime does not notice each time that it was the memory.
			if last := c.LastState.Terminated; last != nil && last.Reason == "OOMKilled" && last.ExitCode == ended.ExitCode {
				ended = last
			}
			return t.crash(what, ended, c.RestartCount, false)
		}
		return nil
	}
	if c.State.Waiting == nil {
		return nil
	}
	reason, message := c.State.Waiting.Reason, oneLine(c.State.Waiting.Message)
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
		return v.imageTrouble(t, what, c, reason, message)
	case "CrashLoopBackOff":
		ended := c.LastState.Terminated
		if ended == nil {
			ended = &terminated{Message: message}
		}
		return t.crash(what, ended, c.RestartCount, true)
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		t.cause, t.definite = CauseConfig, true
		t.detail = fmt.Sprintf("%s cannot be started: %s", what, message)
		t.hint = configHint(message)
		return t
	}
	return nil
}

func (t *trouble) crash(what string, ended *terminated, restarts int32, previous bool) *trouble {
	t.cause, t.definite, t.hasLog, t.previous = CauseCrash, true, true, previous
	t.detail = fmt.Sprintf("%s crashes: %s (started %s)", what, ended, times(restarts+1))
	switch {
	case ended.Reason == "OOMKilled":
		t.hint = "raise resources.limits.memory, or make it need less"
	case ended.ExitCode == 0 && ended.Reason == "Completed":
		t.detail = fmt.Sprintf("%s ends by itself with exit code 0 (started %s)", what, times(restarts+1))
		t.hint = "a workload's container has to keep running"
	}
	return t
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// definitePull are messages of a registry that says no, as against one that
// cannot be reached at the moment.
var definitePull = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)not found|manifest unknown|name unknown|denied|unauthorized|authorization failed|forbidden|` +
		`invalid reference|InvalidImageName|no match for platform|server gave HTTP response to HTTPS client`)
})

func (v *view) imageTrouble(t *trouble, what string, c containerStatus, reason, message string) *trouble {
	key := string(t.pod.UID) + "/" + c.Name
	if reason == "ErrImagePull" && message != "" {
		v.pulls[key] = message
	}
	if known := v.pulls[key]; reason == "ImagePullBackOff" && known != "" {
		message = known
	} else if reason == "ImagePullBackOff" {
		if e := latest(v.events[t.pod.UID], "Failed"); e != nil && strings.Contains(e.Message, "pull image") {
			message = oneLine(e.Message)
		}
	}
	t.cause = CauseImage
	t.definite = reason != "ErrImagePull" || definitePull().MatchString(message)
	t.detail = fmt.Sprintf("%s: the image cannot be pulled (%s): %s", what, reason, message)
	t.hint = imageHint(message)
	return t
}

func imageHint(message string) string {
	lower := strings.ToLower(message)
	switch {
	case strings.Contains(lower, "denied"), strings.Contains(lower, "unauthorized"), strings.Contains(lower, "authorization failed"):
		return "give the registry's credentials with imagePullSecrets (the registry may also say so of an image that does not exist)"
	case strings.Contains(lower, "not found"), strings.Contains(lower, "unknown"):
		return "check that the image was pushed, and that the nodes ask the same registry"
	case strings.Contains(lower, "platform"):
		return "build the image for the nodes' platform"
	}
	return "check that the nodes can reach the registry"
}

func configHint(message string) string {
	if strings.Contains(message, "not found") || strings.Contains(message, "couldn't find key") {
		return "create what is missing, in the same namespace"
	}
	return ""
}
