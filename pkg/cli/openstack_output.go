package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// openStackOutput prints as the openstack client does (its library for this is cliff), so
// that its users' scripts read ours.
type openStackOutput struct {
	format   string
	columns  []string
	quote    string
	noIndent bool
	sort     []string
}

func addOpenStackOutput(cmd *cobra.Command) *openStackOutput {
	o := &openStackOutput{}
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", "table", "output format: csv, json, table, value, yaml")
	f.StringArrayVarP(&o.columns, "column", "c", nil, "column to include; can be repeated")
	f.StringVar(&o.quote, "quote", "nonnumeric", "what -f csv quotes: all, minimal, none, nonnumeric")
	f.BoolVar(&o.noIndent, "noindent", false, "-f json on one line")
	f.StringArrayVar(&o.sort, "sort-column", nil, "column to sort by; can be repeated")
	return o
}

// rows is a table: cells are string, int64 or []string.
type rows struct {
	columns []string
	cells   [][]any
}

func (o *openStackOutput) check(columns []string) error {
	formats := []string{"csv", "json", "table", "value", "yaml"}
	if !slices.Contains(formats, o.format) {
		return usagef("unknown output format %q: %s%s", o.format, strings.Join(formats, ", "), suggest.DidYouMean(o.format, formats))
	}
	if quotes := []string{"all", "minimal", "none", "nonnumeric"}; !slices.Contains(quotes, o.quote) {
		return usagef("--quote %q: %s", o.quote, strings.Join(quotes, ", "))
	}
	for _, c := range append(slices.Clone(o.columns), o.sort...) {
		if !slices.Contains(columns, c) {
			return usagef("no column %q; there are %s%s", c, strings.Join(columns, ", "), suggest.DidYouMean(c, columns))
		}
	}
	return nil
}

// list prints a row per item.
func (o *openStackOutput) list(w io.Writer, r rows) error {
	r = o.chosen(r)
	switch o.format {
	case "json":
		return o.json(w, r.objects())
	case "yaml":
		return printYAML(w, r.objects())
	case "csv":
		return o.csv(w, r)
	case "value":
		for _, row := range r.cells {
			fmt.Fprintln(w, strings.Join(texts(row, " "), " "))
		}
		return nil
	}
	return table(w, r)
}

// show prints a row per field of one item.
func (o *openStackOutput) show(w io.Writer, r rows) error {
	r = o.chosen(r)
	row := r.cells[0]
	switch o.format {
	case "json":
		return o.json(w, r.objects()[0])
	case "yaml":
		for i, c := range r.columns {
			if err := printYAML(w, map[string]any{c: row[i]}); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		return o.csv(w, r)
	case "value":
		for _, text := range texts(row, " ") {
			fmt.Fprintln(w, text)
		}
		return nil
	}
	fields := rows{columns: []string{"Field", "Value"}}
	for i, c := range r.columns {
		fields.cells = append(fields.cells, []any{c, texts(row, "\n")[i]})
	}
	return table(w, fields)
}

// chosen sorts, and leaves out what -c does not name; the order stays the table's own.
func (o *openStackOutput) chosen(r rows) rows {
	r.cells = slices.Clone(r.cells)
	for _, c := range slices.Backward(o.sort) {
		at := slices.Index(r.columns, c)
		slices.SortStableFunc(r.cells, func(a, b []any) int {
			x, isNumber := a[at].(int64)
			if y, also := b[at].(int64); isNumber && also {
				return int(max(-1, min(1, x-y)))
			}
			return strings.Compare(fmt.Sprint(a[at]), fmt.Sprint(b[at]))
		})
	}
	if len(o.columns) == 0 {
		return r
	}
	out := rows{cells: make([][]any, len(r.cells))}
	for at, c := range r.columns {
		if !slices.Contains(o.columns, c) {
			continue
		}
		out.columns = append(out.columns, c)
		for i, row := range r.cells {
			out.cells[i] = append(out.cells[i], row[at])
		}
	}
	return out
}

// object keeps the order of the columns, which a map would lose.
type object struct {
	columns []string
	cells   []any
}

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range o.columns {
		name, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.cells[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(append(append(name, ':'), value...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (r rows) objects() []object {
	all := []object{}
	for _, row := range r.cells {
		all = append(all, object{r.columns, row})
	}
	return all
}

func (o *openStackOutput) json(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if !o.noIndent {
		e.SetIndent("", "  ")
	}
	return e.Encode(v)
}

func printYAML(w io.Writer, v any) error {
	data, err := yaml.Marshal(v)
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

func (o *openStackOutput) csv(w io.Writer, r rows) error {
	head := make([]any, len(r.columns))
	for i, c := range r.columns {
		head[i] = c
	}
	for _, row := range append([][]any{head}, r.cells...) {
		fields := texts(row, ", ")
		for i, text := range fields {
			_, number := row[i].(int64)
			if o.quote == "all" || o.quote == "nonnumeric" && !number || o.quote == "minimal" && strings.ContainsAny(text, ",\"\r\n") {
				fields[i] = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(fields, ",")); err != nil {
			return err
		}
	}
	return nil
}
