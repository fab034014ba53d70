package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

// printPlans says for each target what deploying would do; errDifferences if that is
// anything. What cannot be planned is an error, after the others were printed.
func printPlans(ctx context.Context, w io.Writer, list []*pipeline.Delivery, suffix string) error {
	var failed error
	differs := false
	for _, d := range list {
		name := pipeline.Event{Target: d.To.Kind(), Place: d.Place}.Name()
		plan, err := d.To.Plan(ctx, d.Release)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			failed = errors.Join(failed, err)
			continue
		}
		changes := plan.Changes()
		if len(changes) == 0 {
			fmt.Fprintf(w, "%s: nothing to do in %s%s\n", name, d.To.Place(), suffix)
		}
		for _, c := range changes {
			differs = true
			line := fmt.Sprintf("%s: %s %s", name, c.Object, c.Action)
			if c.Detail != "" {
				line += ": " + oneLine(c.Detail)
			}
			fmt.Fprintf(w, "%s%s\n", line, suffix)
			if suffix == "" {
				fmt.Fprint(w, c.Diff)
			}
		}
	}
	if failed == nil && differs {
		return errDifferences
	}
	return failed
}
