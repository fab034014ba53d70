package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

const (
	// liveCheck is how often it is asked whether runs under way still are: one that was
	// killed changes no file.
	liveCheck = 2 * time.Second
	// storeCheck is for file systems that do not tell of changes.
	storeCheck = 30 * time.Second
	// mostRuns are shown, the newest.
	mostRuns = 200
)

// runs follows the runs of this user on this machine.
func (h *hub) runs(ctx context.Context, f *feed) error {
	changes := h.watchStore(ctx)
	for ctx.Err() == nil {
		runs, err := h.Store.List()
		if err != nil {
			return err
		}
		next := storeCheck
		var rows []Row
		for i := range runs[:min(len(runs), mostRuns)] {
			rows = append(rows, runRow(&runs[i], time.Now()))
			if runs[i].State == pipeline.Running {
				next = liveCheck
			}
		}
		f.rows(rows, "")
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
		case <-f.refresh:
		case <-timer.C:
		case <-changes:
			time.Sleep(settle) // what else belongs to it
			select {
			case <-changes:
			default:
			}
		}
		timer.Stop()
	}
	return ctx.Err()
}

func runRow(r *pipeline.Run, now time.Time) Row {
	row := Row{Key: r.ID, Object: *r, Cells: []Cell{
		{Text: r.ID},
		{string(r.State), stateTone(r.State)},
		{Text: stepsLine(r)},
		{Text: short(r.Revision)},
		{Text: ago(r.Started, now)},
		{Text: r.Message},
	}}
	row.Actions = append(row.Actions, Action{Key: "l", Label: "logs", Kind: openLogs, Ask: "open the logs of " + r.ID + "?"})
	if r.State == pipeline.Running {
		row.Actions = append(row.Actions, Action{Key: "x", Label: "cancel", Kind: "cancel", Ask: "cancel " + r.ID + "?"})
	} else {
		row.Actions = append(row.Actions, Action{Key: "r", Label: "re-run", Kind: "rerun", Ask: fmt.Sprintf("re-run %s from %s?", r.App, r.Dir)})
	}
	if digest := digestOf(r); digest != "" {
		row.Actions = append(row.Actions, copyDigest(digest))
	}
	return row
}

func digestOf(r *pipeline.Run) string {
	for _, s := range r.Steps {
		if d := s.Output["digest"]; d != "" {
			return d
		}
	}
	return ""
}

func stateTone(s pipeline.State) Tone {
	switch s {
	case pipeline.Succeeded:
		return Good
	case pipeline.Failed:
		return Bad
	case pipeline.Running:
		return Busy
	case pipeline.Interrupted:
		return Warn
	}
	return Faint
}

// stepsLine is where a run is: "4/6 publish".
func stepsLine(r *pipeline.Run) string {
	done, all, current := 0, 0, ""
	for _, a := range r.Aims() {
		for _, s := range stepsOf(r, a) {
			all++
			if s.State == pipeline.Succeeded {
				done++
			}
		}
	}
	for _, s := range r.Steps {
		if s.State != pipeline.Succeeded || done == all { // what is under way or has failed, or the last
			current = r.Label(s.Target, s.Name)
		}
	}
	return fmt.Sprintf("%d/%d %s", done, all, current)
}

// stepsOf are the steps of a target in their order, those to come included.
func stepsOf(r *pipeline.Run, a pipeline.Aim) []pipeline.Step {
	var steps []pipeline.Step
	for _, name := range a.Steps {
		if s := r.Step(a.Target, name); s != nil {
			steps = append(steps, *s)
		} else {
			steps = append(steps, pipeline.Step{Target: a.Target, Name: name, State: pipeline.Pending})
		}
	}
	return steps
}

// graph draws the steps of a run, a line of them for each target, then what each says.
func graph(r *pipeline.Run, c charset) []Line {
	var lines []Line
	for _, a := range r.Aims() {
		var way []string
		for _, s := range stepsOf(r, a) {
			way = append(way, "["+c.symbol(stateTone(s.State))+s.Name+"]")
		}
		lines = append(lines, Line{Text: fmt.Sprintf("%-10s %s", a.Target, strings.Join(way, "--"))})
	}
	lines = append(lines, Line{})
	longest := 0
	for _, s := range r.Steps {
		longest = max(longest, len(r.Label(s.Target, s.Name)))
	}
	for _, s := range r.Steps {
		took := ""
		if !s.Ended.IsZero() {
			took = fmt.Sprintf("%.1fs", s.Ended.Sub(s.Started).Seconds())
		}
		lines = append(lines, Line{fmt.Sprintf("%-*s  %-11s %7s  %s", longest, r.Label(s.Target, s.Name), s.State, took, s.Message), stateTone(s.State)})
		for _, item := range s.Items {
			if s.State != pipeline.Succeeded {
				lines = append(lines, Line{Text: fmt.Sprintf("          %s %s %s", item.Name, item.State, item.Detail)})
			}
		}
	}
	return lines
}

// about is what a run is about.
func about(r *pipeline.Run) []Line {
	var lines []Line
	for _, l := range [][2]string{
		{"state", string(r.State)},
		{"message", r.Message},
		{"application", r.App},
		{"revision", r.Revision},
		{"source", r.Source},
		{"directory", r.Dir},
		{"image", r.Image},
		{"digest", digestOf(r)},
		{"cluster", r.Cluster},
		{"namespace", r.Namespace},
		{"by", r.By},
		{"started", r.Started.Local().Format(time.DateTime)},
	} {
		if l[1] != "" {
			lines = append(lines, Line{Text: fmt.Sprintf("%-12s %s", l[0], l[1])})
		}
	}
	return append(lines, Line{})
}
