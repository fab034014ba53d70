package build

import (
	"errors"
	"fmt"
	"strings"
)

// Why a build or a push failed; match with errors.Is. The *ToolError or
// *DockerfileError around them has the facts.
var (
	// ErrNoBuilder: none of the known builders is installed and usable.
	ErrNoBuilder = errors.New("no container image builder")
	// ErrDockerfile: the Dockerfile is missing, empty or wrong.
	ErrDockerfile = errors.New("wrong Dockerfile")
	// ErrBase: a base image could not be pulled.
	ErrBase = errors.New("base image not pulled")
	// ErrStep: a RUN, COPY or other instruction failed.
	ErrStep = errors.New("step failed")
	// ErrNoSpace: the disk is full.
	ErrNoSpace = errors.New("no space left on device")
	// ErrUnauthorized: the registry wants other credentials.
	ErrUnauthorized = errors.New("registry refused access")
	// ErrRefused: the registry answered, and does not take the image.
	ErrRefused = errors.New("registry refused the image")
	// ErrUnreachable: the registry did not answer.
	ErrUnreachable = errors.New("registry unreachable")
	// ErrTool: the tool failed in a way not listed above.
	ErrTool = errors.New("failed")
)

// ToolError is a builder that ended with an error.
type ToolError struct {
	Tool   string   // buildah, buildkit, podman, docker
	Kind   error    // one of the sentinels above
	Cause  error    // a second sentinel: why a base was not pulled; may be nil
	Step   string   // the instruction that failed, e.g. "RUN make", if known
	Where  string   // FILE:LINE, or the reference that was pushed, if known
	Reason string   // the tool's own sentence, on one line and without secrets
	Tail   []string // the last lines of output
}

// Error is one sentence: what failed, where, why.
func (e *ToolError) Error() string {
	var text strings.Builder
	text.WriteString(e.Tool + ": ")
	if e.Where != "" {
		text.WriteString(e.Where + ": ")
	}
	text.WriteString(e.Kind.Error())
	if e.Cause != nil {
		fmt.Fprintf(&text, ": %v", e.Cause)
	}
	if e.Step != "" {
		fmt.Fprintf(&text, ": %s", e.Step)
	}
	if e.Reason != "" {
		fmt.Fprintf(&text, ": %s", e.Reason)
	}
	if e.Kind == ErrStep && len(e.Tail) > 0 {
		fmt.Fprintf(&text, "; it last said: %s", e.Tail[len(e.Tail)-1])
	}
	return text.String()
}

// Unwrap gives the sentinels.
func (e *ToolError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// DockerfileError is a place in a Dockerfile and what is wrong there.
type DockerfileError struct {
	File string // path as given; "Dockerfile" if only the content was
	Line int    // 1-based; 0 if the file as a whole is meant
	Msg  string
}

func (e *DockerfileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Unwrap gives ErrDockerfile.
func (e *DockerfileError) Unwrap() error { return ErrDockerfile }
