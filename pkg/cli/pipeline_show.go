package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

func newPipelineShow(env Env) *cobra.Command {
	var output, site string
	cmd := &cobra.Command{
		Use:   "show [RUN|APP]",
		Short: "Show one run with its steps and what they left; the newest if not named",
		Long: `Shows one run with its steps and what they left: the one of that id, or the newest of an application or of
all. A run of another machine, named by its full id, is read from the registry, where its record is
attached to its images.`,
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := openStore(env).Find(runName(args))
			if _, full := pipeline.AppOf(runName(args)); errors.Is(err, pipeline.ErrNoRun) && full == nil {
				r, err = findRecord(cmd.Context(), env, site, runName(args))
			}
			if err != nil {
				return err
			}
			if output != "" {
				return runListing.printOne(env.Out, output, r)
			}
			return describeRun(env.Out, r)
		},
	}
	addOutputFlag(cmd, &output)
	addSiteFlag(cmd, &site)
	return cmd
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// runName is the argument as it is typed, or as -o name prints it.
func runName(args []string) string { return strings.TrimPrefix(first(args), "run/") }

// targetsOf names the targets of a run that has several.
func targetsOf(r pipeline.Run) string {
	if len(r.Targets) < 2 {
		return ""
	}
	var list []string
	for _, a := range r.Targets {
		list = append(list, a.Target+" "+string(r.TargetState(a.Target))+" ("+a.Place+")")
	}
	return strings.Join(list, ", ")
}

func describeRun(w io.Writer, r pipeline.Run) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, line := range [][2]string{
		{"Run", r.ID},
		{"State", string(r.State)},
		{"Message", r.Message},
		{"Application", r.App},
		{"Revision", r.Revision},
		{"Source", r.Source},
		{"Directory", r.Dir},
		{"Targets", targetsOf(r)},
		{"Image", r.Image},
		{"Cluster", r.Cluster},
		{"Namespace", r.Namespace},
		{"By", r.By},
		{"Started", r.Started.Local().Format(time.DateTime)},
		{"Took", seconds(r.Ended.Sub(r.Started))},
	} {
		if line[1] != "" {
			fmt.Fprintf(tw, "%s:\t%s\n", line[0], oneLine(line[1]))
		}
	}
	fmt.Fprintln(tw, "Steps:")
	for _, s := range byTarget(r) {
		took := ""
		if !s.Ended.IsZero() {
			took = seconds(s.Ended.Sub(s.Started))
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", r.Label(s.Target, s.Name), s.State, took, oneLine(s.Message))
		for _, key := range slices.Sorted(maps.Keys(s.Output)) {
			fmt.Fprintf(tw, "  \t\t\t%s = %s\n", key, s.Output[key])
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	drawGraph(w, r)
	return nil
}

// byTarget are the steps, those of one target after those of another.
func byTarget(r pipeline.Run) []pipeline.Step {
	list := slices.Clone(r.Steps)
	place := func(s pipeline.Step) int {
		return slices.IndexFunc(r.Targets, func(a pipeline.Aim) bool { return a.Target == s.Target })
	}
	sort.SliceStable(list, func(i, k int) bool { return place(list[i]) < place(list[k]) })
	return list
}

// drawGraph draws the way of each target through its steps, in plain text:
//
//	container  [check ok 0.1s] -> [resolve ok 0.2s] -> [build ok 1.3s] -> …
//	vm         [check ok 0.4s] -> [resolve FAILED] -> (build) -> …
func drawGraph(w io.Writer, r pipeline.Run) {
	fmt.Fprintln(w, "Graph:")
	width := 0
	for _, a := range r.Aims() {
		width = max(width, len(a.Target))
	}
	for _, a := range r.Aims() {
		var parts []string
		for _, name := range a.Steps {
			parts = append(parts, drawStep(r.Step(a.Target, name), name))
		}
		fmt.Fprintf(w, "  %-*s  %s\n", width, a.Target, strings.Join(parts, " -> "))
	}
}

// drawStep is [build ok 3.1s], or (deploy) if it has not begun.
func drawStep(s *pipeline.Step, name string) string {
	if s == nil {
		return "(" + name + ")"
	}
	switch s.State {
	case pipeline.Succeeded:
		return fmt.Sprintf("[%s ok %s]", name, seconds(s.Ended.Sub(s.Started)))
	case pipeline.Failed:
		return "[" + name + " FAILED]"
	}
	return fmt.Sprintf("[%s %s]", name, s.State)
}
