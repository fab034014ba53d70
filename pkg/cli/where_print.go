package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/where"
)

var whereImages = listing[where.Image]{
	kind: "Image",
	name: func(i where.Image) string { return i.Ref.String() },
	columns: []column[where.Image]{
		{header: "APP", value: func(i where.Image) string { return i.App }},
		{header: "REVISION", value: func(i where.Image) string { return shortRevision(i.Revision) }},
		{header: "TARGET", value: func(i where.Image) string { return i.Target }},
		{header: "IMAGE", value: func(i where.Image) string { return shortDigest(i.Digest) }},
		{header: "STATE", wide: true, value: func(i where.Image) string { return i.State }},
		{header: "SINCE", value: func(i where.Image) string { return sinceWhen(i.Since) }},
		{header: "RUNS", wide: true, value: whereRuns},
		{header: "AT", value: wherePlace},
	},
}

var whereWorkloads = listing[where.Workload]{
	kind: "Workload",
	name: func(w where.Workload) string { return w.Name },
	columns: []column[where.Workload]{
		{header: "APP", value: func(w where.Workload) string { return w.App }},
		{header: "REVISION", value: func(w where.Workload) string { return shortRevision(w.Revision) }},
		{header: "RUNS AS", value: func(w where.Workload) string { return w.Name }},
		{header: "STATE", value: func(w where.Workload) string { return w.State }},
		{header: "IMAGE", value: func(w where.Workload) string { return shortDigest(w.Digest) }},
		{header: "SINCE", value: func(w where.Workload) string { return sinceWhen(w.Since) }},
		{header: "BY", value: func(w where.Workload) string { return w.By }},
		{header: "RUN", wide: true, value: func(w where.Workload) string { return w.Run }},
		{header: "SOURCE", wide: true, value: func(w where.Workload) string { return w.Source }},
		{header: "IN", value: func(w where.Workload) string { return w.Place }},
	},
}

var whereDrift = listing[where.Workload]{
	kind: "Workload", name: whereWorkloads.name,
	columns: []column[where.Workload]{
		{header: "WHAT", value: func(w where.Workload) string { return w.Name }},
		{header: "IN", value: func(w where.Workload) string { return w.Place }},
		{header: "SINCE", wide: true, value: func(w where.Workload) string { return sinceWhen(w.Since) }},
		{header: "DRIFT", value: func(w where.Workload) string { return strings.Join(w.Drift, "; ") }},
	},
}

// print writes what was found, and then says what was not: the status must not tell "it
// runs nowhere" when somebody could not be asked.
func (o *whereOptions) print(env Env, a where.Answer) error {
	for _, note := range a.Notes {
		fmt.Fprintln(env.Err, "note:", note)
	}
	for _, err := range a.Failures {
		fmt.Fprintln(env.Err, "warning:", oneLine(err.Error()))
	}
	looked, found := len(a.Workloads), len(a.Images)+len(a.Workloads)
	if o.Drift {
		var drifting []where.Workload
		for _, w := range a.Workloads {
			if len(w.Drift) > 0 {
				drifting = append(drifting, w)
			}
		}
		a.Images, a.Workloads = nil, drifting
	}
	if err := o.printFound(env.Out, a); err != nil {
		return err
	}
	switch {
	case len(a.Failures) > 0:
		return errors.New("not all places could be asked, so this may not be all")
	case o.Drift && len(a.Workloads) > 0:
		return errDifferences
	case found == 0 && o.What != "":
		return fmt.Errorf("nothing is known of %q: no image of it is in the site's places, and nothing runs one", o.What)
	}
	if o.Drift {
		fmt.Fprintf(env.Err, "No drift: all %d run what their records say.\n", looked)
	}
	return nil
}

func (o *whereOptions) printFound(w io.Writer, a where.Answer) error {
	switch o.Output {
	case "", "wide", "name":
	default:
		return o.printObjects(w, a)
	}
	if o.Drift {
		if len(a.Workloads) == 0 {
			return nil
		}
		return whereDrift.print(w, o.Output, a.Workloads)
	}
	if len(a.Images) > 0 {
		if err := whereImages.print(w, o.Output, a.Images); err != nil {
			return err
		}
	}
	if len(a.Workloads) == 0 {
		return nil
	}
	if len(a.Images) > 0 && o.Output != "name" {
		fmt.Fprintln(w)
	}
	return whereWorkloads.print(w, o.Output, a.Workloads)
}

// printObjects has images and workloads in one list, as `kubectl get a,b -o json` has.
func (o *whereOptions) printObjects(w io.Writer, a where.Answer) error {
	list, err := whereImages.objects(a.Images)
	if err != nil {
		return err
	}
	workloads, err := whereWorkloads.objects(a.Workloads)
	if err != nil {
		return err
	}
	all := &unstructured.UnstructuredList{Items: append(list.Items, workloads.Items...)}
	all.SetAPIVersion(apiVersion)
	all.SetKind("WhereList")
	return printObject(w, o.Output, all)
}

// wherePlace is short: what the row says elsewhere is left out.
func wherePlace(i where.Image) string {
	r := i.Ref
	switch {
	case r.Scheme == store.Glance:
		r.Name = i.ID
	case r.Scheme == store.OCI && (r.Tag == i.ID || i.Revision != "" && strings.HasPrefix(r.Tag, i.Revision)):
		r.Tag = ""
	}
	return r.String()
}

func whereRuns(i where.Image) string {
	var all []string
	for _, r := range i.Runs {
		all = append(all, fmt.Sprintf("%s (%s, by %s)", r.ID, r.State, r.By))
	}
	return strings.Join(all, ", ")
}

func shortDigest(digest string) string {
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if !ok {
		return digest
	}
	return "sha256:" + sum[:min(12, len(sum))]
}

func sinceWhen(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
