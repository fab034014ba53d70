package cli

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
)

func printDiff(ctx context.Context, w io.Writer, to *kubernetes.Target, r deploy.Release) error {
	plan, err := to.Deployer.Plan(ctx, to.With(r))
	if err != nil {
		return err
	}
	changes, err := to.Diff(ctx, plan)
	if err != nil {
		return err
	}
	for _, c := range changes {
		fmt.Fprint(w, c.Diff)
	}
	if kubernetes.Differs(changes) {
		return errDifferences
	}
	return nil
}

func printServerDryRun(ctx context.Context, w io.Writer, to *kubernetes.Target, r deploy.Release) error {
	plan, err := to.Deployer.Plan(ctx, to.With(r))
	if err != nil {
		return err
	}
	res, err := to.Apply(ctx, plan, kubernetes.DryRunServer)
	for _, c := range res.Changes {
		fmt.Fprintf(w, "%s %s (server dry run)\n", c.Object, c.Action)
	}
	return err
}

// printObjects prints what would be sent, as kubectl's --dry-run=client does.
func (o *deployImageOptions) printObjects(ctx context.Context, w io.Writer, to *kubernetes.Target, r deploy.Release) error {
	full := to.With(r)
	objects, err := to.Render(ctx, full, to.Namespace(full))
	if err != nil {
		return err
	}
	var p printers.ResourcePrinter = &printers.YAMLPrinter{}
	switch o.Output {
	case "", "yaml":
	case "json":
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("v1")
		list.SetKind("List")
		for _, obj := range objects {
			list.Items = append(list.Items, *obj.Unstructured)
		}
		return (&printers.JSONPrinter{}).PrintObj(list, w)
	case "name":
		p = &printers.NamePrinter{}
	default:
		return usagef("unknown output format %q for --dry-run=client: yaml, json or name", o.Output)
	}
	for _, obj := range objects {
		if err := p.PrintObj(obj.Unstructured, w); err != nil {
			return err
		}
	}
	return nil
}
