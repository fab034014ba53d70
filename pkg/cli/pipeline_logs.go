package cli

import (
	"github.com/spf13/cobra"
)

func newPipelineLogs(env Env) *cobra.Command {
	var follow bool
	var step string
	cmd := &cobra.Command{
		Use:   "logs [RUN|APP]",
		Short: "Print what a run did, with the builder's output; the newest if not named",
		Example: examples(
			"kubectl ystack pipeline logs -f",
			"kubectl ystack pipeline logs hello --step build"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store := openStore(env)
			r, err := store.Find(runName(args))
			if err != nil {
				return err
			}
			return store.Logs(cmd.Context(), r.ID, step, follow, env.Out)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the run ends")
	cmd.Flags().StringVar(&step, "step", "", "print this step only: build, or vm/build where there are several targets")
	return cmd
}
