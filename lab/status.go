//go:build linux

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/service"
)

func status(ctx context.Context, lab *service.Lab, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("lab status", flag.ContinueOnError)
	format := flags.String("o", "", "json")
	if err := flags.Parse(args); err != nil {
		return err
	}
	states := lab.Status(ctx, catalog.All())
	switch *format {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(states); err != nil {
			return err
		}
	case "":
		table(out, states)
	default:
		return fmt.Errorf("-o %s: the only format is json", *format)
	}
	return missing(states)
}

func table(out io.Writer, states []service.State) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "NAME\tSTATE\tPID\tSINCE\tRSS MiB\tCPU s\tADDRESS\tLOG")
	for _, s := range states {
		if s.PID == 0 {
			fmt.Fprintf(w, "%s\t%s\t-\t-\t-\t-\t%s\t%s\n", s.Name, s.State, s.Address, s.Log)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%.1f\t%s\t%s\n", s.Name, s.State, s.PID, s.Since.Format(time.DateTime), s.RSSMiB, s.CPUSeconds, s.Address, s.Log)
	}
}

// missing is an error when a service that was started does not do its work.
func missing(states []service.State) error {
	var names []string
	for _, s := range states {
		if s.State == service.Dead || s.State == service.Unready {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("not as they should be: %s; `lab up` mends it", strings.Join(names, ", "))
}
