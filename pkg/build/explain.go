package build

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/image"
)

// failure is what is known about a tool's run before its output is read.
type failure struct {
	tool             string
	doc              *dockerfile // when building
	where            string      // reference, when pulling or pushing
	pulling, pushing bool
}

// What the tools say. Buildah and podman put the failed step in quotes, BuildKit
// and docker name the command and print the place as "Dockerfile:3".
var (
	quotedStep   = pattern(`(?s)building at STEP "(.*)`)
	processStep  = pattern(`process "(.*)" did not complete successfully: (.*)`)
	markedLine   = pattern(`^\s*(\d+) \| >>> (.*)`)
	parseLine    = pattern(`(?i)dockerfile parse error(?: on)? line (\d+): (.*)`)
	basePull     = pattern(`(?i)creating build container|initializing source|copying system image|failed to resolve source metadata|unable to copy from source|load metadata for|pull access denied|failed to copy: httpReadSeeker`)
	loginWanted  = pattern(`(?i)unauthorized|authentication required|\b401\b|\b403\b|denied|no basic auth credentials|incorrect username or password`)
	noAnswer     = pattern(`(?i)connection refused|no such host|i/o timeout|deadline exceeded|tls: |x509: |TLS handshake|HTTP response to HTTPS client|server misbehaving|network is unreachable|connection reset|\bEOF\b|\b50[0234]\b`)
	registrySays = pattern(`(?i)invalid status code from registry|unexpected http status|unexpected status|uploading manifest|writing manifest|writing blob`)
	diskFull     = pattern(`(?i)no space left on device|disk quota exceeded`)
	chatter      = pattern(`^(subprocess exited with status|exit status|Error: |ERROR: |error: |time="|STEP |\[\d+/\d+\] |-->|Copying |Writing |Getting |Storing |Trying |COMMIT|#\d+ (\[|DONE|ERROR|CACHED)|-+$|\S*Dockerfile\S*:\d+$|\s*\d+ \| )`)
	stepPrefix   = pattern(`^(#\d+ )?\d+\.\d{3} `) // BuildKit's "#5 0.123 output"
)

// explain makes a typed error of a failed run.
func (f failure) explain(ctx context.Context, tail []string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", f.tool, context.Cause(ctx))
	}
	why := reason(tail, err)
	e := &ToolError{Tool: f.tool, Kind: ErrTool, Where: f.where, Reason: image.Scrub(why)}
	e.Tail = said(tail)
	text := strings.Join(tail, "\n")
	switch {
	case diskFull().MatchString(lastOf(tail)):
		e.Kind, e.Reason = ErrNoSpace, "free some, e.g. with: "+f.tool+" "+cleaner(f.tool)
	case f.pushing:
		e.Kind = pushKind(why)
	case f.pulling:
		e.Kind, e.Cause = ErrBase, pullCause(why)
	case f.doc != nil:
		e.fromBuild(f.doc, text)
	}
	return e
}

// fromBuild reads which step failed, and where it stands.
func (e *ToolError) fromBuild(d *dockerfile, text string) {
	if m := parseLine().FindStringSubmatch(text); m != nil {
		e.Kind, e.Where, e.Reason = ErrDockerfile, d.path+":"+m[1], image.Scrub(m[2])
		return
	}
	if m := quotedStep().FindStringSubmatch(text); m != nil {
		step, detail := splitStep(d, m[1])
		e.step(d, step, detail, d.lineOf(step))
		return
	}
	if line, source := marked(text); line > 0 {
		detail := e.Reason
		if m := processStep().FindStringSubmatch(text); m != nil {
			detail = m[2]
		}
		e.step(d, source, detail, line)
		if !strings.HasPrefix(strings.ToUpper(source), "FROM ") {
			return
		}
	}
	if basePull().MatchString(text) {
		e.Kind, e.Cause, e.Step = ErrBase, pullCause(text), ""
	}
}

// splitStep parts `RUN x": exit status 1`. The step may hold the separator too,
// so the part that is an instruction of the Dockerfile counts, else the first.
func splitStep(d *dockerfile, quoted string) (step, detail string) {
	const end = `": `
	step, detail, _ = strings.Cut(quoted, end)
	for i := 0; ; {
		j := strings.Index(quoted[i:], end)
		if j < 0 {
			return step, detail
		}
		if i += j; d.lineOf(quoted[:i]) > 0 {
			return quoted[:i], quoted[i+len(end):]
		}
		i += len(end)
	}
}

func (e *ToolError) step(d *dockerfile, step, detail string, line int) {
	e.Kind, e.Step, e.Reason = ErrStep, image.Scrub(step), image.Scrub(detail)
	if wrongInstruction().MatchString(detail) {
		e.Kind = ErrDockerfile
	}
	if line > 0 {
		e.Where = d.path + ":" + strconv.Itoa(line)
	}
}

// wrongInstruction is how the tools refuse an instruction, its flags or words.
var wrongInstruction = pattern(`(?i)unknown instruction|only supports the|unknown flag|requires (at least|exactly) \w+ argument|no stage or image found`)

// marked finds the line that BuildKit points at.
func marked(text string) (line int, source string) {
	for shown := range strings.Lines(text) {
		if m := markedLine().FindStringSubmatch(strings.TrimRight(shown, "\n")); m != nil {
			line, _ = strconv.Atoi(m[1])
			return line, m[2]
		}
	}
	return 0, ""
}

func pullCause(reason string) error {
	switch {
	case noAnswer().MatchString(reason):
		return ErrUnreachable
	case loginWanted().MatchString(reason):
		return ErrUnauthorized
	}
	return nil
}

// pushKind sorts a failed push by its last error.
func pushKind(reason string) error {
	switch {
	case loginWanted().MatchString(reason):
		return ErrUnauthorized
	case noAnswer().MatchString(reason):
		return ErrUnreachable
	case registrySays().MatchString(reason):
		return ErrRefused
	}
	return ErrTool
}

// cleaner is the subcommand that frees disk space.
func cleaner(tool string) string {
	switch tool {
	case "buildah":
		return "rmi --prune"
	case "buildkit":
		return "prune"
	}
	return "system prune"
}

// reason is the tool's last error sentence.
func reason(tail []string, err error) string {
	for _, line := range slices.Backward(tail) {
		for _, prefix := range []string{"Error: ", "ERROR: ", "error: "} {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		}
	}
	if len(tail) > 0 {
		return lastOf(tail)
	}
	return err.Error()
}

// said is what the failed step printed, without the tool's own lines.
func said(tail []string) []string {
	var lines []string
	for _, line := range tail {
		if !chatter().MatchString(line) {
			lines = append(lines, image.Scrub(stepPrefix().ReplaceAllString(line, "")))
		}
	}
	return lines
}

// lastOf is the end of the output, where a tool says why it gave up.
func lastOf(tail []string) string {
	if len(tail) > 3 {
		tail = tail[len(tail)-3:]
	}
	return strings.Join(tail, "\n")
}
