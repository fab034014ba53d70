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
		{Text: r.ID}, {string(r.State), stateTone(r.State)}, {Text: stepsLine(r)}, {Text: short(r.Revision)},
		{Text: ago(r.Started, now)}, {Text: r.Message},
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
	if len(r.Steps) == 0 {
		return ""
	}
	done := 0
	for _, s := range r.Steps {
		if s.State == pipeline.Succeeded {
			done++
		}
	}
	last := r.Steps[len(r.Steps)-1]
	return fmt.Sprintf("%d done, %s", done, last.Name)
}

// graph draws the steps of a run as the way they go, then what each says.
func graph(r *pipeline.Run, c charset) []Line {
	var way []string
	for _, s := range r.Steps {
		way = append(way, "["+c.symbol(stateTone(s.State))+s.Name+"]")
	}
	lines := []Line{{Text: strings.Join(way, "--")}, {}}
	for _, s := range r.Steps {
		took := ""
		if !s.Ended.IsZero() {
			took = fmt.Sprintf("%.1fs", s.Ended.Sub(s.Started).Seconds())
		}
		lines = append(lines, Line{fmt.Sprintf("%-9s %-11s %7s  %s", s.Name, s.State, took, s.Message), stateTone(s.State)})
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
		{"state", string(r.State)}, {"message", r.Message}, {"application", r.App}, {"revision", r.Revision}, {"source", r.Source},
		{"directory", r.Dir}, {"image", r.Image}, {"digest", digestOf(r)}, {"cluster", r.Cluster}, {"namespace", r.Namespace}, {"by", r.By},
		{"started", r.Started.Local().Format(time.DateTime)},
	} {
		if l[1] != "" {
			lines = append(lines, Line{Text: fmt.Sprintf("%-12s %s", l[0], l[1])})
		}
	}
	return append(lines, Line{})
}
