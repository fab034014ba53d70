package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/where"
)

func someAnswer() where.Answer {
	at := time.Date(2026, 11, 26, 8, 0, 0, 0, time.Local)
	commit, earlier := "440ff76e1c2d4a5b6c7d8e9f00112233445566aa", "152513da00112233445566778899aabbccddeeff"
	container := "sha256:5152822a1999cf56a9d8743867cd7ec1c703d5449a42f2a76475446b052f6afb"
	disk := "sha256:dbd2af53d0ad5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c"
	id := "fbfb32ac-be39-466d-b810-96b4e3e03ee2"
	run := pipeline.Run{ID: "hello-20261126-080000-abcd", State: pipeline.Succeeded, Subject: pipeline.Subject{App: "hello", By: "alice"}}
	return where.Answer{
		Images: []where.Image{
			{
				App: "hello", Revision: commit, BuiltFrom: earlier, Target: "container", Digest: container, ID: container, State: "active", Since: at, Format: "container",
				Ref: store.Ref{Scheme: store.OCI, Host: "registry.example", Name: "apps/hello", Tag: commit}, Runs: []pipeline.Run{run},
			},
			{App: "hello", Revision: commit, Target: "vm", Digest: disk, ID: id, State: "active", Since: at, Ref: store.Ref{Scheme: store.Glance, Host: "lab", Name: "hello-" + commit}},
			{App: "hello", Revision: commit, Target: "vm", Digest: disk, State: "active", Ref: store.Ref{Scheme: store.Artifactory, Host: "artifactory.example", Name: "images/hello/" + commit + "/hello-" + commit + ".qcow2"}},
		},
		Workloads: []where.Workload{
			{
				App: "hello", Revision: commit, Target: "container", Name: "deployment.apps/hello", Place: "cluster lab, namespace hello", State: "2/2 ready",
				Image: "registry.example/apps/hello@" + container, Digest: container, Since: at, By: "alice", Run: run.ID, Source: "https://code.example/hello.git",
			},
			{App: "hello", Revision: commit, Target: "vm", Name: "server/hello-0", ID: "1", Place: "cloud lab", State: "ACTIVE", Image: "glance://lab/" + id, Digest: disk, Since: at, By: "alice"},
			{
				App: "hello", Target: "baremetal", Name: "node/rack1-3", ID: "2", Place: "cloud lab", State: "active", Image: "glance://lab/" + id, Has: "glance://lab/x", Since: at,
				Drift: []string{"runs glance://lab/x, but its record says glance://lab/" + id + ": it was changed by hand"},
			},
		},
	}
}

func TestWherePrints(t *testing.T) {
	for format, file := range map[string]string{
		"": "where.txt", "wide": "where-wide.txt", "name": "where-name.txt", "custom-columns=KIND:.kind,AT:.ref": "where-columns.txt",
		`jsonpath={range .items[*]}{.kind} {.metadata.name} {.digest} {.id} {.builtFrom} {.runs[*].by} {.image} {.has} {.by} {.drift}{"\n"}{end}`: "where-jsonpath.txt",
	} {
		var out, errs bytes.Buffer
		o := &whereOptions{What: "HEAD", Output: format}
		if err := o.print(Env{Out: &out, Err: &errs}, someAnswer()); err != nil || errs.Len() > 0 {
			t.Errorf("%q: %v, %s", format, err, &errs)
		}
		golden(t, file, out.Bytes())
	}
	var out, errs bytes.Buffer
	o := &whereOptions{Drift: true}
	if err := o.print(Env{Out: &out, Err: &errs}, someAnswer()); !errors.Is(err, errDifferences) {
		t.Errorf("got %v", err)
	}
	golden(t, "where-drift.txt", out.Bytes())
}

// TestWhereSaysWhatItCannot: an answer that may not be all never has the status of one that is.
func TestWhereSaysWhatItCannot(t *testing.T) {
	failed := someAnswer()
	failed.Failures, failed.Notes = []error{errors.New("Glance of cloud lab: no\nanswer")}, []string{"cluster lab: shown is what runs in a"}
	for name, tc := range map[string]struct {
		o      whereOptions
		answer where.Answer
		want   string
	}{
		"not all":       {whereOptions{What: "x"}, failed, "not all places could be asked, so this may not be all"},
		"not all drift": {whereOptions{What: "x", Drift: true}, failed, "not all places could be asked, so this may not be all"},
		"nothing":       {whereOptions{What: "x"}, where.Answer{}, `nothing is known of "x": no image of it is in the site's places, and nothing runs one`},
		"no drift of x": {whereOptions{What: "x", Drift: true}, where.Answer{}, `nothing is known of "x": no image of it is in the site's places, and nothing runs one`},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := tc.o.print(Env{Out: &out, Err: &errs}, tc.answer)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if want := "note: cluster lab: shown is what runs in a\nwarning: Glance of cloud lab: no answer\n"; len(tc.answer.Failures) > 0 && errs.String() != want {
				t.Errorf("said %q", errs.String())
			}
		})
	}
}
