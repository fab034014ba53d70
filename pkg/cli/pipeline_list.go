package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

var runListing = listing[pipeline.Run]{
	kind: "Run",
	name: func(r pipeline.Run) string { return r.ID },
	columns: []column[pipeline.Run]{
		{header: "RUN", value: func(r pipeline.Run) string { return r.ID }},
		{header: "APP", value: func(r pipeline.Run) string { return r.App }},
		{header: "REVISION", value: func(r pipeline.Run) string { return shortRevision(r.Revision) }},
		{header: "STATE", value: func(r pipeline.Run) string { return string(r.State) }},
		{header: "STEP", value: func(r pipeline.Run) string { return lastStep(r) }},
		{header: "STARTED", value: func(r pipeline.Run) string { return r.Started.Local().Format(time.DateTime) }},
		{header: "TOOK", value: func(r pipeline.Run) string { return seconds(r.Ended.Sub(r.Started)) }},
		{header: "CLUSTER", wide: true, value: func(r pipeline.Run) string { return r.Cluster }},
		{header: "NAMESPACE", wide: true, value: func(r pipeline.Run) string { return r.Namespace }},
		{header: "IMAGE", wide: true, value: func(r pipeline.Run) string { return r.Image }},
		{header: "BY", wide: true, value: func(r pipeline.Run) string { return r.By }},
	},
}

func newPipelineList(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List runs, newest first",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			runs, err := openStore(env).List()
			if err != nil {
				return err
			}
			return runListing.print(env.Out, output, runs)
		},
	}
	addOutputFlag(cmd, &output)
	return cmd
}

// shortRevision cuts a full commit; one that says "dirty" is short already.
func shortRevision(rev string) string {
	if len(rev) == 40 || len(rev) == 64 {
		return rev[:12]
	}
	return rev
}

// lastStep is where the run is, or where it stopped.
func lastStep(r pipeline.Run) string {
	if len(r.Steps) == 0 {
		return ""
	}
	last := r.Steps[len(r.Steps)-1]
	return r.Label(last.Target, last.Name)
}
