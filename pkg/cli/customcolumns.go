package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/jsonpath"
)

// customColumns prints HEADER:.path,… as `kubectl get -o custom-columns` does.
// kubectl's own printer would bring all of kubectl with it.
type customColumns struct {
	headers []string
	paths   []*jsonpath.JSONPath
}

func newCustomColumns(spec string) (*customColumns, error) {
	c := &customColumns{}
	for col := range strings.SplitSeq(spec, ",") {
		header, path, ok := strings.Cut(col, ":")
		if !ok || header == "" || path == "" {
			return nil, usagef("-o custom-columns: %q is not HEADER:.path", col)
		}
		jp := jsonpath.New(header).AllowMissingKeys(true)
		if err := jp.Parse(relaxed(path)); err != nil {
			return nil, usagef("-o custom-columns: column %s: %v", header, err)
		}
		c.headers, c.paths = append(c.headers, header), append(c.paths, jp)
	}
	return c, nil
}

// PrintObj prints a list, one row per item.
func (c *customColumns) PrintObj(obj runtime.Object, w io.Writer) error {
	list, ok := obj.(*unstructured.UnstructuredList)
	if !ok {
		return fmt.Errorf("custom-columns: cannot print a %T", obj)
	}
	tw := tabwriter.NewWriter(w, 6, 4, 3, ' ', 0)
	fmt.Fprintln(tw, strings.Join(c.headers, "\t"))
	for _, item := range list.Items {
		cells := make([]string, len(c.paths))
		for i, p := range c.paths {
			cell, err := cellValue(p, item.Object)
			if err != nil {
				return fmt.Errorf("column %s: %w", c.headers[i], err)
			}
			cells[i] = cell
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}

func cellValue(p *jsonpath.JSONPath, obj any) (string, error) {
	results, err := p.FindResults(obj)
	if err != nil {
		return "", err
	}
	var values []string
	for _, set := range results {
		for _, v := range set {
			values = append(values, fmt.Sprint(v.Interface()))
		}
	}
	if len(values) == 0 {
		return "<none>", nil
	}
	return strings.Join(values, ","), nil
}
