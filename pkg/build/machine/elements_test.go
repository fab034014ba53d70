package machine

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/image/artifactory"
	"github.com/ystackdev/ystack/pkg/image/artifactorytest"
	files "github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/source"
)

// diskImageCreate stands for diskimage-builder, which takes minutes: its image is what an
// element of the application's says, and who asked for it.
const diskImageCreate = `#!/bin/sh -e
[ "$1" != --version ] || { echo 3.13.0; exit; }
[ -z "$FAIL" ] || { echo "2026-11-25 20:46:16.145 | E: Unable to locate package $FAIL"; exit 1; }
while [ $# -gt 0 ]; do
  case "$1" in -o) out=$2; shift ;; -t) format=$2; shift ;; esac
  shift
done
{ printf 'QFI\373'; cat "$ELEMENTS_PATH/hello/text"; echo "$YSTACK_APPLICATION $YSTACK_REVISION"; } >"$out.$format"
echo built >>"$COUNT"
`

// workshop is a Builder without a cloud, whose archive is Artifactory's stand-in.
type workshop struct {
	*Builder
	t          *testing.T
	repository string // of elements, with the tags v1 and v2
	images     *artifactory.Store
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	_, address := artifactorytest.Start(t)
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{t: t, repository: filepath.Join(t.TempDir(), "elements"), images: &artifactory.Store{URL: at, Client: http.DefaultClient}}
	tool := filepath.Join(t.TempDir(), "disk-image-create")
	if err := os.WriteFile(tool, []byte(diskImageCreate), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COUNT", filepath.Join(t.TempDir(), "count"))
	w.Builder = &Builder{
		Archive:  []store.Ref{{Scheme: store.Artifactory, Host: at.Host, Name: "images"}},
		StateDir: t.TempDir(), TempDir: t.TempDir(), Getenv: os.Getenv, Log: io.Discard, Now: time.Now,
		Report: func(string, string) {}, Progress: func(store.Progress) {},
		Open: func(r store.Ref) (store.Store, error) {
			if r.Scheme == store.File {
				return &files.Store{}, nil
			}
			return w.images, nil
		},
		LookPath: func(name string) (string, error) {
			if name == "disk-image-create" {
				return tool, nil
			}
			return exec.LookPath(name)
		},
	}
	w.git("init", "-q", w.repository)
	for _, tag := range []string{"v1", "v2"} {
		if err := os.MkdirAll(filepath.Join(w.repository, "elements/hello"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.repository, "elements/hello/text"), []byte("elements of "+tag+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.git("-C", w.repository, "add", "-A")
		w.git("-C", w.repository, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", tag)
		w.git("-C", w.repository, "tag", tag)
	}
	return w
}

func (w *workshop) git(args ...string) string {
	w.t.Helper()
	out, err := exec.Command("git", args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// job is to make an image for VMs of the elements of another repository.
func (w *workshop) job(dir, from, revision string) Job {
	return Job{
		App: "hello", Target: VM, Dir: dir, Source: from, Revision: source.Revision{Commit: strings.Repeat(revision, 40)},
		Elements: &app.DiskImageBuilder{Elements: []string{"debian-minimal", "vm", "hello"}, ElementsPath: "elements"},
	}
}

func (w *workshop) build(j Job) (*Result, error) {
	w.t.Helper()
	p, err := w.Plan(w.t.Context(), j)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return w.Build(w.t.Context(), p)
}

func (w *workshop) content(i store.Info) string {
	w.t.Helper()
	body, err := w.images.Open(context.Background(), i, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// From REPOSITORY@REF to Artifactory: an image for VMs where there is no cloud.
func TestElementsToArtifactory(t *testing.T) {
	w := newWorkshop(t)
	dir := t.TempDir()
	r, err := w.build(w.job(dir, w.repository+"@v1", "a"))
	if err != nil || !r.Built || len(r.Places) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	a := strings.Repeat("a", 40)
	i, err := w.images.Stat(t.Context(), store.Ref{Scheme: store.Artifactory, Host: w.Archive[0].Host, Name: "images/hello/" + a + "/hello-" + a + ".qcow2"})
	if err != nil || i.Format != "qcow2" || i.Digests["sha256"] != r.SHA256 {
		t.Fatalf("%+v, %v", i, err)
	}
	for name, want := range map[string]string{
		store.App: "hello", store.Revision: a, store.Target: VM, store.SHA256: r.SHA256, BuiltBy: "diskimage-builder 3.13.0",
		Base: "debian-minimal vm hello", TemplateFrom: w.git("-C", w.repository, "rev-parse", "v1"), Inputs: r.Plan.Inputs,
	} {
		if i.Properties[name] != want {
			t.Errorf("%s is %q, want %q", name, i.Properties[name], want)
		}
	}
	if got := w.content(i); got != "QFI\xfbelements of v1\nhello "+a+"\n" {
		t.Errorf("it holds %q", got)
	}

	// Nothing is made twice, whatever the revision; of other elements it is another image.
	if r, err := w.build(w.job(dir, w.repository+"@v1", "b")); err != nil || r.Built || r.Image.Properties[store.Revision] != a {
		t.Errorf("again: %+v, %v", r, err)
	}
	beside, err := filepath.Rel(dir, w.repository)
	if err != nil {
		t.Fatal(err)
	}
	r, err = w.build(w.job(dir, beside+"@v2", "c"))
	if err != nil || !r.Built || !strings.Contains(w.content(r.Image), "elements of v2") {
		t.Errorf("beside the application, another tag: %+v, %v", r, err)
	}
	if count, _ := os.ReadFile(os.Getenv("COUNT")); string(count) != "built\nbuilt\n" {
		t.Errorf("%q", count)
	}
	w.nothingLeft()
}

func TestElementsFaults(t *testing.T) {
	w := newWorkshop(t)
	for want, j := range map[string]Job{
		"nosuch: git checkout: ":           w.job(t.TempDir(), w.repository+"@nosuch", "a"),
		"/nowhere@v1: git clone: ":         w.job(t.TempDir(), "/nowhere@v1", "a"),
		"diskimageBuilder.elementsPath of": {App: "hello", Target: VM, Dir: t.TempDir(), Elements: &app.DiskImageBuilder{ElementsPath: "none"}},
	} {
		if _, err := w.build(j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	t.Setenv("FAIL", "nosuch")
	if _, err := w.build(w.job(t.TempDir(), w.repository+"@v1", "a")); err == nil || !strings.Contains(err.Error(), "E: Unable to locate package nosuch") {
		t.Errorf("%v", err)
	}
	if list, err := w.images.List(t.Context(), w.Archive[0], ""); err != nil || len(list) > 0 {
		t.Errorf("in the archive: %+v, %v", list, err)
	}
	w.nothingLeft()
}

// nothingLeft looks for directories of builds and checkouts, and for notes.
func (w *workshop) nothingLeft() {
	w.t.Helper()
	for _, dir := range []string{w.TempDir, filepath.Join(w.StateDir, "builds")} {
		notes, _ := filepath.Glob(dir + "/*.json")
		more, _ := filepath.Glob(dir + "/ystack-*")
		if left := append(notes, more...); len(left) > 0 {
			w.t.Errorf("left behind: %v", left)
		}
	}
}
