package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
)

const apiVersion = "ystack.dev/v1alpha1"

// column is one column of a table; a wide one shows with -o wide only.
type column[T any] struct {
	header string
	wide   bool
	value  func(T) string
}

// listing says how things of one kind are printed.
type listing[T any] struct {
	kind    string
	name    func(T) string
	columns []column[T]
}

func addOutputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "",
		"output format: json, yaml, wide, name, jsonpath=…, custom-columns=HEADER:.path,…")
}

// print writes the items in the format that -o names.
func (l listing[T]) print(w io.Writer, format string, items []T) error {
	switch format {
	case "", "wide":
		return l.table(w, format == "wide", items)
	case "name":
		for _, it := range items {
			fmt.Fprintf(w, "%s/%s\n", strings.ToLower(l.kind), l.name(it))
		}
		return nil
	}
	list, err := l.objects(items)
	if err != nil {
		return err
	}
	return printObject(w, format, list)
}

// printOne is print for what the user named: an object, not a list of one.
func (l listing[T]) printOne(w io.Writer, format string, item T) error {
	switch name, _, _ := strings.Cut(format, "="); name {
	case "json", "yaml", "jsonpath":
		list, err := l.objects([]T{item})
		if err != nil {
			return err
		}
		return printObject(w, format, &list.Items[0])
	}
	return l.print(w, format, []T{item})
}

func printObject(w io.Writer, format string, object runtime.Object) error {
	p, err := printerFor(format)
	if err != nil {
		return err
	}
	return p.PrintObj(object, w)
}

func (l listing[T]) table(w io.Writer, wide bool, items []T) error {
	tw := tabwriter.NewWriter(w, 6, 4, 3, ' ', 0)
	row := func(cell func(column[T]) string) {
		var cells []string
		for _, c := range l.columns {
			if !c.wide || wide {
				cells = append(cells, cell(c))
			}
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	row(func(c column[T]) string { return c.header })
	for _, it := range items {
		row(func(c column[T]) string { return c.value(it) })
	}
	return tw.Flush()
}

// objects dresses the items as Kubernetes objects, so that the printers and
// jsonpath expressions that users know apply.
func (l listing[T]) objects(items []T) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(apiVersion)
	list.SetKind(l.kind + "List")
	for _, it := range items {
		data, err := json.Marshal(it)
		if err != nil {
			return nil, err
		}
		obj := unstructured.Unstructured{}
		if err := json.Unmarshal(data, &obj.Object); err != nil {
			return nil, err
		}
		obj.SetAPIVersion(apiVersion)
		obj.SetKind(l.kind)
		obj.SetName(l.name(it))
		list.Items = append(list.Items, obj)
	}
	return list, nil
}

// checkOutput refuses a format before any work is done for it.
func checkOutput(format string) error {
	if format == "" || format == "wide" || format == "name" {
		return nil
	}
	_, err := printerFor(format)
	return err
}

func printerFor(format string) (printers.ResourcePrinter, error) {
	name, arg, _ := strings.Cut(format, "=")
	switch name {
	case "json":
		return &printers.JSONPrinter{}, nil
	case "yaml":
		return &printers.YAMLPrinter{}, nil
	case "jsonpath":
		p, err := printers.NewJSONPathPrinter(relaxed(arg))
		if err != nil {
			return nil, usagef("-o jsonpath: %v", err)
		}
		p.AllowMissingKeys(true) // as kubectl does
		return p, nil
	case "custom-columns":
		return newCustomColumns(arg)
	}
	return nil, usagef("unknown output format %q: json, yaml, wide, name, jsonpath=… or custom-columns=…", format)
}

// relaxed adds the braces that kubectl lets users leave out.
func relaxed(path string) string {
	if path == "" || strings.Contains(path, "{") {
		return path
	}
	return "{." + strings.TrimPrefix(path, ".") + "}"
}
