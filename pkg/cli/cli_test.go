package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/NAME.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// run executes a command line with an empty environment.
func run(t *testing.T, root func(Env) *cobra.Command, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	var out, errs bytes.Buffer
	env := Env{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv:  func(name string) string { return map[string]string{"HOME": dir}[name] },
		Version: "v0.0.0-test", Commit: "0123456789abcdef", Boundary: func(string) {},
	}
	code = Main(env, root, args)
	return code, out.String(), errs.String()
}

func TestHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"kubectl":               {},
		"pipeline":              {"pipeline"},
		"pipeline-run":          {"pipeline", "run", "--help"},
		"pipeline-serve":        {"pipeline", "serve", "--help"},
		"pipeline-deliveries":   {"pipeline", "deliveries", "replay", "--help"},
		"pipeline-hook":         {"pipeline", "hook", "install", "--help"},
		"pipeline-jenkinsfile":  {"pipeline", "jenkinsfile", "--help"},
		"deploy-image":          {"deploy-image", "--help"},
		"deploy-image-rollback": {"deploy-image", "rollback", "--help"},
		"where":                 {"where", "--help"},
		"tui":                   {"tui", "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewKubectl, args...)
			if code != 0 || errs != "" {
				t.Fatalf("status %d, %s", code, errs)
			}
			if strings.Contains(out, "kubectl-ystack") {
				t.Error("help speaks of kubectl-ystack; users type `kubectl ystack`")
			}
			golden(t, "help/"+name, []byte(out))
		})
	}
	_, out, _ := run(t, NewOpenStack)
	golden(t, "help/openstack", []byte(out))
}

func TestVersion(t *testing.T) {
	code, out, _ := run(t, NewKubectl, "version")
	if code != 0 || !strings.HasPrefix(out, "kubectl ystack v0.0.0-test (commit 0123456789abcdef, go1.") {
		t.Errorf("status %d: %s", code, out)
	}
	code, out, _ = run(t, NewOpenStack, "version", "-o", "json")
	if code != 0 || !strings.Contains(out, `"commit": "0123456789abcdef"`) {
		t.Errorf("status %d: %s", code, out)
	}
}

func TestUsageErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"flag":            {[]string{"pipeline", "run", "--nosuch"}, "unknown flag: --nosuch\n"},
		"flag nearly":     {[]string{"pipeline", "run", "--tiemout", "3s"}, `unknown flag: --tiemout; did you mean "--timeout"?`},
		"verb":            {[]string{"pipelin"}, `unknown command "pipelin" for "kubectl ystack"; did you mean pipeline?`},
		"sub-verb":        {[]string{"pipeline", "rum"}, `unknown command "rum" for "kubectl ystack pipeline"; did you mean run?`},
		"argument":        {[]string{"version", "x"}, `kubectl ystack version takes no arguments, got "x"`},
		"arguments":       {[]string{"pipeline", "run", "a", "b"}, "at most 1 argument(s), got 2: a b"},
		"version -o":      {[]string{"version", "-o", "xml"}, `unknown output format "xml" for version: json or yaml`},
		"list -o":         {[]string{"pipeline", "list", "-o", "xml"}, `unknown output format "xml"`},
		"columns":         {[]string{"pipeline", "list", "-o", "custom-columns=A"}, `"A" is not HEADER:.path`},
		"run -o":          {[]string{"pipeline", "run", "-o", "yaml"}, `unknown output format "yaml" for pipeline run: json`},
		"timeout":         {[]string{"pipeline", "run", "--timeout", "soon"}, `invalid argument "soon" for "--timeout"`},
		"nothing":         {[]string{"deploy-image"}, "an IMAGE, or -f ystack.yaml"},
		"dry-run":         {[]string{"deploy-image", "x", "--dry-run=maybe"}, `--dry-run "maybe": none, client or server`},
		"diff":            {[]string{"deploy-image", "x", "--diff", "--dry-run=server"}, "leave out --dry-run"},
		"name":            {[]string{"deploy-image", "-f", ".", "--name", "x"}, "--name does not go with -f"},
		"replicas":        {[]string{"deploy-image", "x", "--replicas=-2"}, "--replicas -2"},
		"history":         {[]string{"deploy-image", "history"}, "its NAME, or -f ystack.yaml"},
		"where":           {[]string{"where"}, "say what to look for"},
		"where -o":        {[]string{"where", "x", "-o", "xml"}, `unknown output format "xml"`},
		"where what":      {[]string{"where", "a/b"}, `"a/b" is neither a commit`},
		"schema":          {[]string{"schema", "x"}, `no schema of "x": application, site or tenantsync`},
		"schema, nothing": {[]string{"schema"}, "say which schema"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewKubectl, tc.args...)
			if code != exitUsage || !strings.Contains(errs, tc.want) || out != "" {
				t.Errorf("status %d, %q on stderr, %q on stdout; want %q", code, errs, out, tc.want)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{errDifferences, 1},
		{fmt.Errorf("build: %w", errInterrupted), 130},
		{fmt.Errorf("deploy: %w", context.Canceled), 130},
		{fmt.Errorf("deploy: %w", errTimeout), 124},
		{fmt.Errorf("deploy: %w", context.DeadlineExceeded), 124},
		{usagef("x"), 2},
		{diffError{errors.New("x")}, 2},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.err, got, tc.want)
		}
	}
}

var someRuns = []pipeline.Run{
	{
		ID: "hello-20260102-030405-abcd", State: pipeline.Failed, Message: "deploy: pod/hello-1: cannot be pulled",
		Subject: pipeline.Subject{
			App: "hello", Revision: strings.Repeat("0123456789", 4), Image: "registry.example/apps/hello:0123",
			Cluster: "https://cluster.example", Namespace: "hello", By: "alice",
		},
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Ended: time.Date(2026, 1, 2, 3, 4, 15, 0, time.Local),
		Steps: []pipeline.Step{
			{Target: deploy.Container, Name: "build", State: pipeline.Succeeded, Started: time.Unix(10, 0), Ended: time.Unix(13, 0), Message: "abc", Output: map[string]string{"image": "abc"}},
			{Target: deploy.Container, Name: "deploy", State: pipeline.Failed, Started: time.Unix(13, 0), Ended: time.Unix(20, 0)},
		},
	},
	{ID: "日本-20260101-030405-ef01", State: pipeline.Interrupted, Subject: pipeline.Subject{App: "日本", Revision: "0123456789ab-dirty.01234567"}, Started: time.Date(2026, 1, 1, 3, 4, 5, 0, time.Local), Ended: time.Date(2026, 1, 1, 3, 4, 6, 0, time.Local)},
}

func TestListing(t *testing.T) {
	for _, format := range []string{"", "wide", "name", "json", "yaml", "jsonpath={.items[*].app}", "jsonpath=.items[0].state", "custom-columns=NAME:.metadata.name,STEP:.steps[*].name"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			if err := runListing.print(&out, format, someRuns); err != nil {
				t.Fatal(err)
			}
			if format == "json" || format == "yaml" {
				return // times carry the zone; the printers are cli-runtime's
			}
			golden(t, "list/"+strings.NewReplacer("=", "_", "{", "", "}", "", "[", "", "]", "", " ", "", "*", "", ":", "_", ",", "_").Replace(format)+".txt", out.Bytes())
		})
	}
}

// TestDiffError: its status is that of a wrong command line, but the help would not help.
func TestDiffError(t *testing.T) {
	code, _, errs := run(t, NewKubectl, "deploy-image", "-f", filepath.Join(t.TempDir(), "none"), "--diff")
	if code != 2 || strings.Contains(errs, "--help") {
		t.Errorf("status %d, %s", code, errs)
	}
}

func TestQuiet(t *testing.T) {
	if logger := klog.FromContext(quiet(t.Context())); logger.GetSink() != nil {
		t.Errorf("client-go would write to %T", logger.GetSink())
	}
	klog.FromContext(quiet(t.Context())).Error(nil, "this must not be seen, nor panic")
}

// TestPrintOne: what was named is printed as itself, as kubectl get NAME does.
func TestPrintOne(t *testing.T) {
	for format, want := range map[string]string{
		"jsonpath={.kind} {.app}":    "Run hello",
		"json":                       `"kind": "Run",`,
		"yaml":                       "kind: Run\n",
		"name":                       "run/" + someRuns[0].ID,
		"custom-columns=A:.app":      "hello",
		"jsonpath={.metadata.name}":  someRuns[0].ID,
		"jsonpath={.steps[0].state}": "succeeded",
	} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			if err := runListing.printOne(&out, format, someRuns[0]); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "RunList") {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	if got := runName([]string{"run/hello-1"}); got != "hello-1" {
		t.Errorf("name printed by -o name: %s", got)
	}
}

func TestDescribeRun(t *testing.T) {
	var out bytes.Buffer
	if err := describeRun(&out, someRuns[0]); err != nil {
		t.Fatal(err)
	}
	golden(t, "show.txt", out.Bytes())
}

// someEvents are a short run, with a replica that changes and one that does not.
func someEvents() []pipeline.Event {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	pod := func(n int, state, detail string) deploy.Item {
		return deploy.Item{Name: fmt.Sprintf("pod/hello-%d", n), State: state, Detail: detail}
	}
	return []pipeline.Event{
		{Time: at(0), Type: pipeline.StepStarted, Step: "resolve"},
		{Time: at(1), Type: pipeline.StepDone, Step: "resolve", Message: "golang:1.26 from hub"},
		{Time: at(1), Type: pipeline.RunStarted, Run: "hello-1"},
		{Time: at(1), Type: pipeline.StepStarted, Step: "build"},
		{Time: at(1), Type: pipeline.StepProgress, Step: "build", Message: "with buildah"},
		{Time: at(4), Type: pipeline.StepDone, Step: "build", Message: "abc"},
		{Time: at(4), Type: pipeline.StepStarted, Step: "deploy"},
		{Time: at(5), Type: pipeline.StepProgress, Step: "deploy", Items: []deploy.Item{pod(1, "Pulling", ""), pod(2, "Pulling", "")}},
		{Time: at(6), Type: pipeline.StepProgress, Step: "deploy", Items: []deploy.Item{pod(1, "Ready", ""), pod(2, "Pulling", "")}},
		{Time: at(7), Type: pipeline.StepProgress, Step: "deploy", Items: []deploy.Item{pod(1, "Ready", ""), pod(2, "ErrImagePull", "not\nfound")}},
		{Time: at(8), Type: pipeline.StepFailed, Step: "deploy", Message: "pod/hello-2: not found"},
	}
}

func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(Env{Err: &out, Getenv: func(string) string { return "" }})
	for _, e := range someEvents() {
		p.event(e)
	}
	p.close()
	golden(t, "progress.txt", out.Bytes())
}

func TestLiveProgressLeavesOnlyWhatEnded(t *testing.T) {
	var out bytes.Buffer
	p := &liveProgress{w: &out, width: 60, names: newStepNames(nil), done: make(chan struct{})}
	for _, e := range someEvents() {
		p.event(e)
	}
	p.close()
	got := strings.Join(screen(out.String()), "\n")
	if strings.Contains(got, "running") || strings.Contains(got, "Pulling") {
		t.Errorf("left over:\n%s", got)
	}
	for _, want := range []string{"✓ resolve  done", "✓ build    done      3.0s  abc", "✗ deploy   failed    4.0s"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

// screen plays the two control sequences that liveProgress uses.
func screen(s string) []string {
	lines := []string{""}
	for s != "" {
		var up int
		switch {
		case s[0] == '\n':
			lines, s = append(lines, ""), s[1:]
		case strings.HasPrefix(s, "\x1b["):
			if n, _ := fmt.Sscanf(s, "\x1b[%dA\x1b[J", &up); n == 1 {
				lines = append(lines[:len(lines)-1-up], "")
			}
			s = s[strings.IndexByte(s, 'J')+1:]
		default:
			lines[len(lines)-1] += s[:1]
			s = s[1:]
		}
	}
	return lines
}

func TestFit(t *testing.T) {
	for _, tc := range []struct {
		in    string
		cells int
		want  string
	}{
		{"short", 10, "short"},
		{"exactly nine", 9, "exactly …"},
		{"日本語日本語", 8, "日本語…"},
	} {
		if got := fit(tc.in, tc.cells); got != tc.want {
			t.Errorf("fit(%q, %d) = %q, want %q", tc.in, tc.cells, got, tc.want)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"registry.example:5000/apps/hello:v1":            "hello",
		"registry.example:5000/hello@sha256:" + "abcdef": "hello",
		"hello":              "hello",
		"a/b:v1@sha256:0123": "b",
	} {
		if got := lastPart(in); got != want {
			t.Errorf("lastPart(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStateDir(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": "/home/a"}, "/home/a/.local/state/ystack"},
		{map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "/var/state"}, "/var/state/ystack"},
		{map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "relative"}, "/home/a/.local/state/ystack"},
		{nil, filepath.Join(accountHome(), ".local/state/ystack")},
		{map[string]string{"HOME": "relative"}, filepath.Join(accountHome(), ".local/state/ystack")},
	} {
		e := Env{Err: io.Discard, Getenv: func(k string) string { return tc.env[k] }}
		if got := e.stateDir(); got != tc.want || !filepath.IsAbs(got) {
			t.Errorf("%v: %s, want %s", tc.env, got, tc.want)
		}
	}
}
