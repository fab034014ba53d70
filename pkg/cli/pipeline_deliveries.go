package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/hook"
)

var deliveryListing = listing[hook.Delivery]{
	kind: "Delivery",
	name: func(d hook.Delivery) string { return d.ID },
	columns: []column[hook.Delivery]{
		{header: "DELIVERY", value: func(d hook.Delivery) string { return d.ID }},
		{header: "REPOSITORY", value: func(d hook.Delivery) string { return d.Repository }},
		{header: "BRANCH", value: func(d hook.Delivery) string { return d.Branch }},
		{header: "COMMIT", value: func(d hook.Delivery) string { return shortRevision(d.After) }},
		{header: "STATE", value: func(d hook.Delivery) string { return string(d.State()) }},
		{header: "RECEIVED", value: func(d hook.Delivery) string { return d.Received.Local().Format(time.DateTime) }},
		{header: "RUN", value: func(d hook.Delivery) string { return strings.Join(runsOf(d), ",") }},
		{header: "PUSHER", wide: true, value: func(d hook.Delivery) string { return d.Pusher }},
		{header: "SUBJECT", wide: true, value: func(d hook.Delivery) string { return oneLine(d.Subject) }},
	},
}

func newPipelineDeliveries(env Env) *cobra.Command {
	return group("deliveries", "Look at the pushes that pipeline serve received, and run one again",
		newDeliveriesList(env), newDeliveriesShow(env), newDeliveriesReplay(env))
}

func newDeliveriesList(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List deliveries, newest first",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			book, err := hook.ReadBook(hookDir(env))
			if err != nil {
				return err
			}
			return deliveryListing.print(env.Out, output, book.Deliveries())
		},
	}
	addOutputFlag(cmd, &output)
	return cmd
}

func newDeliveriesShow(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "show DELIVERY",
		Short: "Show one delivery, with what it started and what the code registry was told",
		Args:  maxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := findDelivery(env, args)
			if err != nil {
				return err
			}
			if output != "" {
				return deliveryListing.printOne(env.Out, output, d)
			}
			return describeDelivery(env.Out, d)
		},
	}
	addOutputFlag(cmd, &output)
	return cmd
}

func newDeliveriesReplay(env Env) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "replay DELIVERY",
		Short: "Run a delivery again, also if a newer one has run since",
		Long: `Asks pipeline serve to run a delivery again: within a second if it runs on this machine, as
this user, or else when it is started. What still waits or runs is left alone.`,
		Example: examples("kubectl ystack pipeline deliveries replay 72d3162e"),
		Args:    maxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := findDelivery(env, args)
			if err != nil {
				return err
			}
			if !d.Over() {
				return fmt.Errorf("delivery %s is %s; it can run again when it is over", d.ID, d.State())
			}
			if dryRun {
				fmt.Fprintf(env.Out, "delivery %s would run again (dry run)\n", d.ID)
				return nil
			}
			if err := hook.RequestReplay(hookDir(env), d.ID); err != nil {
				return err
			}
			fmt.Fprintf(env.Out, "delivery %s is to run again\n", d.ID)
			return nil
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only tell what would be done")
	return cmd
}

// findDelivery takes an id, the beginning of one, or what -o name prints.
func findDelivery(env Env, args []string) (hook.Delivery, error) {
	name := strings.TrimPrefix(first(args), "delivery/")
	if name == "" {
		return hook.Delivery{}, usagef("say which delivery: its id, or the beginning of it")
	}
	book, err := hook.ReadBook(hookDir(env))
	if err != nil {
		return hook.Delivery{}, err
	}
	return book.Find(name)
}

func runsOf(d hook.Delivery) []string {
	var runs []string
	for _, j := range d.Jobs {
		for _, t := range j.Targets {
			if t.Run != "" {
				runs = append(runs, t.Run)
			}
		}
	}
	return runs
}

func describeDelivery(w io.Writer, d hook.Delivery) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	printPairs(tw, "", [][2]string{
		{"Delivery", d.ID},
		{"State", string(d.State())},
		{"Repository", d.Repository},
		{"Branch", d.Branch},
		{"Commit", d.After},
		{"Before", d.Before},
		{"Subject", d.Subject},
		{"Pusher", d.Pusher},
		{"Received", d.Received.Local().Format(time.DateTime)},
		{"Source", d.Source},
	})
	for _, j := range d.Jobs {
		took := ""
		if !j.Ended.IsZero() && !j.Started.IsZero() {
			took = seconds(j.Ended.Sub(j.Started))
		}
		fmt.Fprintf(tw, "Job:\t%s\n", j.Context)
		printPairs(tw, "  ", [][2]string{
			{"State", string(j.State)},
			{"Message", j.Message},
			{"Superseded by", j.By},
			{"Directory", j.Directory},
			{"Site", j.Site},
			{"Took", took},
			{"Not reported", j.Unreported},
		})
		for _, t := range j.Targets {
			fmt.Fprintf(tw, "  %s:\t%s\n", t.Name, strings.TrimSpace(strings.Join([]string{string(t.State), t.Run, oneLine(t.Message)}, " ")))
		}
	}
	return tw.Flush()
}

// printPairs prints what has a value.
func printPairs(w io.Writer, indent string, pairs [][2]string) {
	for _, p := range pairs {
		if p[1] != "" {
			fmt.Fprintf(w, "%s%s:\t%s\n", indent, p[0], oneLine(p[1]))
		}
	}
}
