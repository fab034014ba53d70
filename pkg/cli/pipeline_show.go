package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

func newPipelineShow(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "show [RUN|APP]",
		Short: "Show one run with its steps and what they left; the newest if not named",
		Args:  maxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := openStore(env).Find(runName(args))
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
	for _, s := range r.Steps {
		took := ""
		if !s.Ended.IsZero() {
			took = seconds(s.Ended.Sub(s.Started))
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", s.Name, s.State, took, oneLine(s.Message))
		for _, key := range slices.Sorted(maps.Keys(s.Output)) {
			fmt.Fprintf(tw, "  \t\t\t%s = %s\n", key, s.Output[key])
		}
	}
	return tw.Flush()
}
