package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// record writes events as a run would, and leaves the journal open.
func record(t *testing.T, s *Store, id string, events ...Event) *journal {
	t.Helper()
	j := &journal{report: func(Event) {}}
	first := Event{Type: RunStarted, Subject: &Subject{App: "hello", Key: "k", Revision: "r1", Inputs: "i1"}}
	if err := j.open(t.Context(), s, id, first); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := j.write(e); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(j.close)
	return j
}

// single is the track of a run with one target.
func single(j *journal) track {
	return track{journal: j, target: deploy.Container, boundary: func(string) {}}
}

var built = []Event{
	{Type: StepStarted, Step: "build"},
	{Type: StepDone, Step: "build", Message: "abc", Output: map[string]string{"image": "abc"}},
}

func TestStates(t *testing.T) {
	for name, tc := range map[string]struct {
		events []Event
		open   bool
		want   State
		step   State
	}{
		"going on":  {append(built, Event{Type: StepStarted, Step: "publish"}), true, Running, Running},
		"killed":    {append(built, Event{Type: StepStarted, Step: "publish"}), false, Interrupted, Interrupted},
		"failed":    {append(built, Event{Type: StepStarted, Step: "publish"}, Event{Type: StepFailed, Step: "publish"}, Event{Type: RunFailed}), false, Failed, Failed},
		"succeeded": {append(built, Event{Type: StepStarted, Step: "publish"}, Event{Type: StepDone, Step: "publish"}, Event{Type: RunSucceeded}), false, Succeeded, Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := OpenStore(t.TempDir())
			j := record(t, s, "hello-1", tc.events...)
			if !tc.open {
				j.close()
			}
			r, err := s.Get("hello-1")
			if err != nil {
				t.Fatal(err)
			}
			if r.State != tc.want || r.Step(deploy.Container, "publish").State != tc.step {
				t.Errorf("run %s, step %s; want %s, %s", r.State, r.Step(deploy.Container, "publish").State, tc.want, tc.step)
			}
			if got := r.Output(deploy.Container, "build", "image"); got != "abc" {
				t.Errorf("output of build: %q", got)
			}
		})
	}
}

func TestPendingEventsAreKeptOffTheDisk(t *testing.T) {
	dir := t.TempDir()
	s := OpenStore(dir)
	j := &journal{report: func(Event) {}}
	_, err := single(j).do(t.Context(), step{"check", func(context.Context, work) (result, error) { return result{message: "fine"}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Fatalf("a run that has not begun left %v", entries)
	}
	if err := j.open(t.Context(), s, "hello-1", Event{Type: RunStarted}); err != nil {
		t.Fatal(err)
	}
	j.close()
	events, err := s.Events("hello-1")
	if err != nil {
		t.Fatal(err)
	}
	var got []EventType
	for _, e := range events {
		if e.Run != "hello-1" {
			t.Errorf("event %s is of run %q", e.Type, e.Run)
		}
		got = append(got, e.Type)
	}
	if diff := cmp.Diff([]EventType{RunStarted, StepStarted, StepDone}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTornLastLineIsMended(t *testing.T) {
	s := OpenStore(t.TempDir())
	record(t, s, "hello-1", built...).close()
	path := filepath.Join(s.runDir("hello-1"), eventsFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(data) { // killed after any byte
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		before, _ := s.Events("hello-1")
		j := &journal{report: func(Event) {}}
		if err := j.open(t.Context(), s, "hello-1", Event{Type: RunResumed}); err != nil {
			t.Fatal(err)
		}
		j.close()
		after, err := s.Events("hello-1")
		if err != nil {
			t.Fatal(err)
		}
		if len(after) != len(before)+1 || after[len(after)-1].Type != RunResumed {
			t.Fatalf("cut at %d: %d events, then %d", cut, len(before), len(after))
		}
	}
}

func TestFind(t *testing.T) {
	s := OpenStore(t.TempDir())
	if _, err := s.Find(""); !errors.Is(err, ErrNoRun) {
		t.Errorf("empty store: %v", err)
	}
	record(t, s, "hello-20260101-a").close()
	time.Sleep(2 * time.Millisecond)
	record(t, s, "hello-20260102-b").close()
	for name, want := range map[string]string{
		"": "hello-20260102-b", "hello": "hello-20260102-b",
		"hello-20260101": "hello-20260101-a", "hello-20260102-b": "hello-20260102-b",
		"hello-2026": "", "other": "",
	} {
		r, err := s.Find(name)
		if r.ID != want || (want == "") != errors.Is(err, ErrNoRun) {
			t.Errorf("Find(%q): %q, %v; want %q", name, r.ID, err, want)
		}
	}
}

func TestStepErrorNamesTheCause(t *testing.T) {
	j := &journal{report: func(Event) {}}
	ctx, cancel := context.WithCancelCause(t.Context())
	told := errors.New("told to stop")
	_, err := single(j).do(ctx, step{"build", func(ctx context.Context, _ work) (result, error) {
		cancel(told)
		return result{}, ctx.Err()
	}})
	if !errors.Is(err, told) || !strings.HasPrefix(err.Error(), "build: ") {
		t.Errorf("got %v", err)
	}
}

func TestLogsFollowARunToItsEnd(t *testing.T) {
	s := OpenStore(t.TempDir())
	j := record(t, s, "hello-1", Event{Type: StepStarted, Step: "build"})
	log, err := j.stepLog(deploy.Container, "build")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	done := make(chan error)
	go func() { done <- s.Logs(t.Context(), "hello-1", "", true, &out) }()
	for _, line := range []string{"STEP 1\n", "STEP 2\n"} {
		if _, err := log.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(followInterval)
	}
	if err := j.write(Event{Type: StepDone, Step: "build", Message: "made it"}); err != nil {
		t.Fatal(err)
	}
	j.close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := "STEP 1\nSTEP 2\nbuild: made it\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestKeyLockIsHeldUntilClosed(t *testing.T) {
	s := OpenStore(t.TempDir())
	first, err := s.lockKey(t.Context(), "k", func(string) { t.Error("nobody holds it") })
	if err != nil {
		t.Fatal(err)
	}
	waited := false
	done := make(chan error)
	go func() {
		f, err := s.lockKey(t.Context(), "k", func(string) { waited = true; first.Close() })
		if err == nil {
			f.Close()
		}
		done <- err
	}()
	if err := <-done; err != nil || !waited {
		t.Errorf("err %v, waited %v", err, waited)
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte("{\"type\":\"run.started\"}\n{\"type\":\"step"))
	f.Add([]byte("\n\n{}\nnull\n[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Run
		for _, e := range parseEvents(data) {
			if e.Type == "" {
				t.Error("an event without a type")
			}
			r.apply(e)
		}
	})
}

func TestShort(t *testing.T) {
	for id, want := range map[string]string{
		"sha256:0123456789abcdef0123":                       "0123456789ab",
		"0123456789abcdef0123":                              "0123456789ab", // buildah's own
		"oci:/state/images/00ff@sha256:0123456789abcdef012": "0123456789ab",
		"": "",
	} {
		if got := short(id); got != want {
			t.Errorf("short(%q) = %q, want %q", id, got, want)
		}
	}
}

// TestHolder: the run before is not the one that holds the lock.
func TestHolder(t *testing.T) {
	s := OpenStore(t.TempDir())
	record(t, s, "hello-1", Event{Type: RunSucceeded}).close()
	if got := s.holder("k"); got != "" {
		t.Errorf("a run that is over holds the lock: %s", got)
	}
	j := record(t, s, "hello-2")
	if got := s.holder("k"); got != "hello-2" {
		t.Errorf("got %q", got)
	}
	j.close()
}

// TestStrayFiles: what is no run is no reason not to run.
func TestStrayFiles(t *testing.T) {
	dir := t.TempDir()
	s := OpenStore(dir)
	record(t, s, "hello-1", built...).close()
	if err := os.WriteFile(filepath.Join(dir, "runs", ".DS_Store"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if runs, err := s.List(); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

// TestUnwritable: the error says what to do.
func TestUnwritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir).lockKey(t.Context(), "k", nil); err == nil || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Error(err)
	}
}

// TestCauseOfTheEnd: a step that was told to stop fails for that reason, and says
// what it was waiting for if it knows.
func TestCauseOfTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"says more":    {fmt.Errorf("pod x is not ready: %w", stopped), "deploy: pod x is not ready: stopped"},
		"knows not":    {errors.New("signal: killed"), "deploy: stopped"},
		"just context": {context.Canceled, "deploy: stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			j := &journal{report: func(Event) {}}
			_, err := single(j).do(ctx, step{"deploy", func(context.Context, work) (result, error) { return result{}, tc.err }})
			if err == nil || err.Error() != tc.want || !errors.Is(err, stopped) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
