package where

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ystackdev/ystack/pkg/image/store"
)

const (
	commit = "440ff76e1c2d4a5b6c7d8e9f00112233445566aa"
	other  = "152513da00112233445566778899aabbccddeeff"
	sum    = "5152822a1999cf56a9d8743867cd7ec1c703d5449a42f2a76475446b052f6afb"
)

func TestParse(t *testing.T) {
	for text, tc := range map[string]struct{ commit, want string }{
		"HEAD":                      {commit: commit},
		"HEAD ":                     {want: "neither a commit"},
		"hello":                     {},
		"440ff76":                   {},
		"440ff76e1c2d-dirty.01ab23": {},
		"sha256:" + sum:             {},
		"sha256:5152":               {},
		"sha256:515":                {want: "is no digest"},
		"sha256:" + sum + "0":       {want: "is no digest"},
		"SHA256:5152":               {want: "neither a commit"},
		"a/b":                       {want: "neither a commit"},
		"":                          {want: "neither a commit"},
		"-x":                        {want: "neither a commit"},
	} {
		_, err := Parse(text, tc.commit)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%q: got %v, want %s", text, err, tc.want)
		}
	}
}

func TestRevision(t *testing.T) {
	for _, tc := range []struct {
		text, commit, revision string
		want                   bool
	}{
		{"HEAD", commit, commit, true},
		{"HEAD", commit, commit[:12] + "-dirty.0123abcd", true},
		{"HEAD", commit, other, false},
		{"HEAD", commit, "", false},
		{commit[:7], "", commit, true},
		{commit[:7], "", commit[:12] + "-dirty.0123abcd", true},
		{commit[:12] + "-dirty.0123abcd", "", commit[:12] + "-dirty.0123abcd", true},
		{commit[:12] + "-dirty.0123abcd", "", commit, false},
		{commit[:12] + "-dirty.0123abcd", "", commit[:12] + "-dirty.0123abce", false},
		{"hello", "", "hello", false},
	} {
		q, err := Parse(tc.text, tc.commit)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.revision(tc.revision); got != tc.want {
			t.Errorf("%s is %s: %t", tc.revision, tc.text, got)
		}
	}
}

// TestChoose: an application goes before a commit, and what runs an image of that goes with it.
func TestChoose(t *testing.T) {
	images := []Image{
		{App: "beef", Revision: commit, Digest: "sha256:" + sum},
		{App: "web", Revision: other, BuiltFrom: commit, Digest: "sha256:" + sum},
		{App: "web", Revision: "beef" + other[4:], Digest: "sha256:00"},
	}
	workloads := []Workload{{App: "web", Name: "a", Revision: other, Digest: "sha256:" + sum}, {App: "web", Name: "b", Revision: other}, {App: "db", Name: "c"}}
	for text, want := range map[string]struct {
		images    int
		workloads string
	}{
		"beef": {1, ""}, "beef2": {0, ""}, "beef13da": {1, ""}, "web": {2, "ab"}, "440ff7": {2, "a"}, "db": {0, "c"}, "none": {0, ""},
	} {
		q, err := Parse(text, "")
		if err != nil {
			t.Fatal(err)
		}
		is, ws := q.choose(images, workloads)
		names := ""
		for _, w := range ws {
			names += w.Name
		}
		if len(is) != want.images || names != want.workloads {
			t.Errorf("%s: %d images, workloads %q; want %+v", text, len(is), names, want)
		}
	}
}

func TestMachines(t *testing.T) {
	id, changed := "fbfb32ac-be39-466d-b810-96b4e3e03ee2", "01234567-0123-0123-0123-0123456789ab"
	deployed := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	record := `"ystack_app":"web","ystack_revision":"` + commit + `","ystack_image":"IMAGE","ystack_sha256":"` + sum + `","ystack_by":"alice","ystack_run":"web-1","ystack_deployed":"2026-11-26T00:00:00Z"`
	whole := Workload{App: "web", Revision: commit, Place: "cloud lab", Digest: "sha256:" + sum, By: "alice", Run: "web-1", Since: deployed, ID: "1"}
	for name, tc := range map[string]struct {
		image string // of the record
		has   string // what Nova says
		want  func(*Workload)
	}{
		"as its record says": {"glance://prod/" + id, `{"id":"` + id + `"}`, func(w *Workload) { w.Image = "glance://prod/" + id }},
		"an id alone":        {id, `{"id":"` + id + `"}`, func(w *Workload) { w.Image = id }},
		"from a volume":      {id, `""`, func(w *Workload) { w.Image = id }},
		"by a name":          {"glance://prod/web-1", `{"id":"` + id + `"}`, func(w *Workload) { w.Image = "glance://prod/web-1" }},
		"rebuilt by hand": {id, `{"id":"` + changed + `"}`, func(w *Workload) {
			*w = Workload{App: "web", Place: "cloud lab", Image: id, Has: "glance://lab/" + changed, Since: deployed, ID: "1"}
		}},
		"without a record": {"", `{"id":"` + id + `"}`, func(w *Workload) {
			*w = Workload{App: "web", Place: "cloud lab", Has: "glance://lab/" + id, Since: deployed, ID: "1"}
		}},
		"of an unknown shape": {id, `[1]`, func(w *Workload) { w.Image = id }},
	} {
		t.Run(name, func(t *testing.T) {
			want := whole
			tc.want(&want)
			var s server
			text := `{"id":"1","name":"web-0","status":"ACTIVE","OS-EXT-STS:task_state":null,"image":` + tc.has + `,"metadata":{` + strings.Replace(record, "IMAGE", tc.image, 1) + `}}`
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatal(err)
			}
			want.Target, want.Name, want.State = "vm", "server/web-0", "ACTIVE"
			if diff := cmp.Diff(want, s.workload(Cloud{Name: "lab"}), cmpopts.IgnoreUnexported(Workload{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	var n node
	text := `{"uuid":"1","name":null,"provision_state":"active","provision_updated_at":"2026-11-26T00:00:00Z","instance_info":{"image_source":"` + id + `","root_gb":10,` +
		strings.Replace(record, "IMAGE", "glance://prod/"+id, 1) + `}}`
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	want := whole
	want.Image, want.Target, want.Name, want.State = "glance://prod/"+id, "baremetal", "node/1", "active"
	if diff := cmp.Diff(want, n.workload(Cloud{Name: "lab"}), cmpopts.IgnoreUnexported(Workload{})); diff != "" {
		t.Error(diff)
	}
}

// shelf is a place that gives the same answer each time, or none.
type shelf struct {
	store.Store
	infos  []store.Info
	err    error
	silent bool
	names  map[string]bool // that it knows, if it does not list
}

func (s shelf) List(ctx context.Context, _ store.Ref, application string) ([]store.Info, error) {
	if s.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.names != nil && application == "" {
		return nil, s.err
	}
	if s.names != nil && !s.names[application] {
		return nil, nil
	}
	if s.names != nil {
		return s.infos, nil
	}
	return s.infos, s.err
}

// TestPlacesFailByThemselves: what one place does not tell keeps no other from telling.
func TestPlacesFailByThemselves(t *testing.T) {
	of := func(scheme, host string) store.Ref { return store.Ref{Scheme: scheme, Host: host, Name: "x"} }
	info := store.Info{Ref: of(store.Artifactory, "a"), State: "active", Properties: map[string]string{store.App: "web", store.Revision: commit, store.Target: "vm"}}
	kept := info
	kept.Ref = of(store.OCI, "private")
	shelves := map[store.Ref]shelf{
		of(store.Artifactory, "a"): {infos: []store.Info{info}},
		of(store.Glance, "lab"):    {silent: true},
		of(store.OCI, "down"):      {err: store.Errorf(of(store.OCI, "down"), store.ErrFailed, "connection refused")},
		of(store.OCI, "private"):   {err: store.Errorf(of(store.OCI, "private"), store.ErrDenied, "not authorized"), names: map[string]bool{"web": true}, infos: []store.Info{kept}},
	}
	f := &Finder{Patience: 200 * time.Millisecond, Open: func(r store.Ref, _ func(string) bool) (store.Store, error) {
		s, ok := shelves[r]
		if !ok {
			return nil, errors.New("no such cloud")
		}
		return s, nil
	}}
	for place := range shelves {
		f.Places = append(f.Places, place)
	}
	f.Places = append(f.Places, of(store.Glance, "nowhere"))
	q, err := Parse("440ff76", "")
	if err != nil {
		t.Fatal(err)
	}
	answer := f.Find(t.Context(), Search{Query: q})
	if len(answer.Images) != 2 {
		t.Errorf("images: %+v", answer.Images)
	}
	var said []string
	for _, err := range answer.Failures {
		said = append(said, err.Error())
	}
	want := []string{
		"Glance of cloud lab: no answer within 200ms",
		"Glance of cloud nowhere: no such cloud",
		"registry down/x: connection refused",
	}
	if diff := cmp.Diff(want, said, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Error(diff)
	}
	if len(answer.Notes) != 1 || !strings.Contains(answer.Notes[0], "registry private/x does not tell what it has (not authorized); looked there for web") {
		t.Errorf("notes: %q", answer.Notes)
	}
}

// TestOneErrorOfAll: what is wrong with a cloud's login is said once.
func TestOneErrorOfAll(t *testing.T) {
	x := &search{}
	for _, place := range []string{"Nova", "Glance", "Nova"} {
		x.fail(place, errors.New("wrong password"))
	}
	if all := x.failures(); len(all) != 1 || all[0].Error() != "Nova, Glance: wrong password" {
		t.Errorf("%v", all)
	}
}

func TestDrift(t *testing.T) {
	x := &search{picked: []Image{{Digest: "sha256:aa", Ref: store.Ref{Scheme: store.OCI, Host: "h", Name: "a", Tag: "r"}}}}
	for want, w := range map[string]Workload{
		"":                                            {Image: "i", Digest: "sha256:aa"},
		"has no record of what it runs":               {},
		"runs h, and has no record of it":             {Has: "h"},
		"its record says i: it was changed by":        {Image: "i", Has: "h"},
		"neither its record nor the image":            {Image: "i", unnamed: true},
		"gone from there; it is still at oci://h/a:r": {Image: "i", Digest: "sha256:aa", gone: true},
		"no longer anywhere":                          {Image: "i", Digest: "sha256:bb", gone: true},
	} {
		got := strings.Join(x.drift(w), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"HEAD", "hello", "sha256:0123", commit, commit[:12] + "-dirty.01", "", "a-b"} {
		f.Add(seed, "")
		f.Add(seed, commit)
	}
	f.Fuzz(func(t *testing.T, text, at string) {
		q, err := Parse(text, at)
		if err != nil {
			return
		}
		if at == "" && q.revision(other) && !strings.HasPrefix(other, text) && !strings.HasPrefix(text, other[:12]) {
			t.Errorf("%q stands for %s", text, other)
		}
		q.choose([]Image{{App: text, Revision: at, Digest: text}}, []Workload{{App: at, Revision: text}})
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add(`{"id":"1","image":"","metadata":{"ystack_app":"a","ystack_image":"glance://x"}}`)
	f.Add(`{"uuid":"1","instance_info":{"ystack_app":"a","ystack_image":1,"image_source":null}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s server
		var n node
		if json.NewDecoder(strings.NewReader(text)).Decode(&s) == nil {
			_ = s.workload(Cloud{Name: "lab"}).reference()
		}
		if err := json.NewDecoder(strings.NewReader(text)).Decode(&n); err == nil || errors.Is(err, io.EOF) {
			_ = n.workload(Cloud{Name: "lab"}).reference()
		}
	})
}
