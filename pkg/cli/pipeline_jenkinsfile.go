package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/source"
)

func newPipelineJenkinsfile(env Env) *cobra.Command {
	var label string
	cmd := &cobra.Command{
		Use:   "jenkinsfile [DIR]",
		Short: "Print a Jenkinsfile that runs the pipeline of the application in DIR",
		Long: `Prints a declarative Jenkinsfile for the application whose ystack.yaml lies in DIR (the current
directory if not given), to be put at the top of its repository. It has a stage for each target,
which checks out the commit and calls ` + "`kubectl ystack pipeline run`" + ` on an agent with the label
LABEL-TARGET. DELIVERY and COMMIT are its parameters; without them it runs what Jenkins checks out.`,
		Example: examples("kubectl ystack pipeline jenkinsfile > Jenkinsfile"),
		Args:    maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := first(args)
			if dir == "" {
				dir = "."
			}
			a, err := app.LoadApplication(dir)
			if err != nil {
				return err
			}
			rel, err := dirInRepository(cmd.Context(), a)
			if err != nil {
				return err
			}
			text, err := pipeline.Jenkinsfile(a, rel, label)
			if err != nil {
				return err
			}
			fmt.Fprint(env.Out, text)
			return nil
		},
	}
	cmd.Flags().StringVar(&label, "label", "ystack", "what the labels of agents begin with")
	return cmd
}

// dirInRepository is where ystack.yaml lies, from the top of the checkout.
func dirInRepository(ctx context.Context, a *app.Application) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(a.Path))
	if err != nil {
		return "", err
	}
	rev, err := source.Read(ctx, dir)
	return rev.Dir, err
}
