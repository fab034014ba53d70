package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image/artifactorytest"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
	"github.com/ystackdev/ystack/pkg/image/store"
)

func TestImageHelp(t *testing.T) {
	for _, verb := range []string{"", "build", "copy", "push", "pull", "list", "show", "verify", "delete"} {
		args := strings.Fields("image " + verb + " --help")
		code, out, errs := run(t, NewOpenStack, args...)
		if code != 0 || errs != "" {
			t.Fatalf("status %d, %s", code, errs)
		}
		if strings.Contains(out, "openstack-ystack") {
			t.Error("help speaks of openstack-ystack; users type `openstack ystack`")
		}
		golden(t, "help/"+strings.TrimSuffix("image-"+verb, "-"), []byte(out))
	}
}

func TestImageUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"verb":           {[]string{"image", "cpoy"}, "did you mean copy?"},
		"one argument":   {[]string{"image", "copy", "file:a"}, "SOURCE DESTINATION…"},
		"reference":      {[]string{"image", "copy", "a", "file:b"}, "a file is written file:a"},
		"scheme":         {[]string{"image", "copy", "glanse://a/b", "file:b"}, `did you mean "glance"?`},
		"twice":          {[]string{"image", "copy", "file:a", "file:b", "file:b"}, "file:b is named twice"},
		"property":       {[]string{"image", "copy", "file:a", "file:b", "--property", "x"}, "want KEY=VALUE"},
		"format":         {[]string{"image", "copy", "file:a", "file:b", "-f", "jsn"}, `did you mean "json"?`},
		"column":         {[]string{"image", "copy", "file:a", "file:b", "-c", "Place"}, `no column "Place"`},
		"quote":          {[]string{"image", "copy", "file:a", "file:b", "--quote", "some"}, "--quote"},
		"secret":         {[]string{"image", "list", "--os-password=hunter2"}, "not taken from the command line"},
		"flag nearly":    {[]string{"image", "list", "--os-clod", "x"}, `did you mean "--os-cloud"?`},
		"show nothing":   {[]string{"image", "show"}, "say which image"},
		"verify nothing": {[]string{"image", "verify"}, "say which image"},
		"push nothing":   {[]string{"image", "push"}, "say which image"},
		"pull nothing":   {[]string{"image", "pull"}, "say which image"},
		"build two":      {[]string{"image", "build", "a", "b"}, "at most 1 argument"},
		"build column":   {[]string{"image", "build", "-c", "Targt"}, `did you mean "Target"?`},
		"delete nothing": {[]string{"image", "delete"}, "say which image"},
		"list":           {[]string{"image", "list", "a", "b"}, "at most 1 argument"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewOpenStack, tc.args...)
			if code != exitUsage || !strings.Contains(errs, tc.want) || out != "" || strings.Contains(errs, "hunter2") {
				t.Errorf("status %d, %q on stderr, %q on stdout; want %q", code, errs, out, tc.want)
			}
		})
	}
}

// TestOpenStackOutput: tables, CSV and values are those of cliff 4 byte by byte; JSON and
// YAML mean the same, but write signs that are not ASCII as they are.
func TestOpenStackOutput(t *testing.T) {
	r := rows{columns: []string{"Name", "Size", "Places"}, cells: [][]any{
		{"花子", int64(5), []string{"a", "b"}}, {`say "hi", you`, int64(12), []string{}}, {"", int64(0), []string{"c"}},
	}}
	var all bytes.Buffer
	for _, args := range [][]string{
		{"table"},
		{"json"},
		{"json", "--noindent"},
		{"yaml"},
		{"csv"},
		{"csv", "--quote=all"},
		{"csv", "--quote=minimal"},
		{"value"},
		{"table", "-cSize", "-cName"},
		{"value", "-cSize", "--sort-column=Size"},
		{"value", "-cName", "--sort-column=Name"},
	} {
		o := &openStackOutput{}
		cmd := group("x", "")
		o = addOpenStackOutput(cmd)
		if err := cmd.ParseFlags(append([]string{"-f"}, args...)); err != nil {
			t.Fatal(err)
		}
		if err := o.check(r.columns); err != nil {
			t.Fatal(err)
		}
		all.WriteString("# list -f " + strings.Join(args, " ") + "\n")
		if err := o.list(&all, r); err != nil {
			t.Fatal(err)
		}
		all.WriteString("# show -f " + strings.Join(args, " ") + "\n")
		if err := o.show(&all, rows{r.columns, r.cells[:1]}); err != nil {
			t.Fatal(err)
		}
		all.WriteString("# nothing -f " + strings.Join(args, " ") + "\n")
		if err := o.list(&all, rows{columns: r.columns}); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "openstack-output.txt", all.Bytes())
}

func TestImageProgress(t *testing.T) {
	var out bytes.Buffer
	p := newImageProgress(Env{Err: &out, Getenv: os.Getenv}, "copied")
	to := store.Ref{Scheme: store.File, Name: "x"}
	p.report(store.Progress{To: to, Done: 1 << 20, Total: 3 << 20})
	p.all[0].shown = time.Now().Add(-time.Minute)
	p.report(store.Progress{To: to, Done: 2 << 20, Total: 3 << 20})
	p.report(store.Progress{To: to, Done: 3 << 20, Total: 3 << 20})
	p.close()
	want := " 66% file:x  2.0 MiB of 3.0 MiB copied\n100% file:x  3.0 MiB of 3.0 MiB copied\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// desk has a site with a registry and an Artifactory.
type imageDesk struct {
	t    *testing.T
	dir  string
	host string
	art  *artifactorytest.Server
}

func newImageDesk(t *testing.T) *imageDesk {
	d := &imageDesk{t: t, dir: t.TempDir(), host: registrytest.Start(t)}
	var address string
	d.art, address = artifactorytest.Start(t)
	d.art.Token = "sesame"
	d.write("token", "sesame\n")
	d.write("disk.raw", strings.Repeat("x", 1000))
	d.write("site.yaml", `apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: test}
spec:
  registries: {push: `+d.host+`/apps}
  archive: {artifactory: {url: '`+address+`', repository: images, tokenFile: token}}
`)
	return d
}

func (d *imageDesk) write(name, text string) {
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *imageDesk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *imageDesk) run(want int, args ...string) (stdout, stderr string) {
	d.t.Helper()
	code, out, errs := run(d.t, NewOpenStack, append(append([]string{"image"}, args...), "--site", d.path("site.yaml"))...)
	if code != want {
		d.t.Fatalf("%s: status %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out, errs
}

func (d *imageDesk) expect(got, want string) {
	d.t.Helper()
	if !strings.Contains(got, want) {
		d.t.Errorf("got %q, want %q", got, want)
	}
}

// TestImageSite pushes, lists, shows, verifies, damages, pulls and deletes.
func TestImageSite(t *testing.T) {
	d := newImageDesk(t)
	disk := "file:" + d.path("disk.raw")
	_, errs := d.run(2, "push", disk)
	d.expect(errs, "add --application and --revision")
	push := []string{"push", disk, "--application", "hello", "--revision", "r1", "--target", "vm"}
	out, _ := d.run(0, append(push, "--dry-run", "-f", "value", "-c", "Result")...)
	d.expect(out, "to be copied\n")
	out, _ = d.run(0, append(push, "-f", "value", "-c", "Result")...)
	d.expect(out, "copied\n")
	out, _ = d.run(0, append(push, "-f", "value", "-c", "Result")...)
	d.expect(out, "present\n")
	_, errs = d.run(1, append(push, "--to", "glance")...)
	d.expect(errs, "spec.openstack.cloud")
	_, errs = d.run(2, append(push, "--to", "mars")...)
	d.expect(errs, "glance or archive")

	there := "artifactory://" + d.artifactoryHost() + "/images/hello/r1/hello-r1.raw"
	oci := "oci://" + d.host + "/apps/hello:r1"
	d.run(0, "copy", there, oci)
	out, _ = d.run(0, "list", "-f", "csv", "-c", "Application", "-c", "Revision", "-c", "Target", "-c", "Size", "-c", "Places")
	d.expect(out, `"hello","r1","vm",1000,"`+there+`, `+oci+`"`)
	out, _ = d.run(0, "show", "hello:r1", "-f", "value", "-c", "Size", "-c", "Target")
	d.expect(out, "vm\n1000\n")
	out, _ = d.run(0, "verify", "hello:r1", "-f", "value", "-c", "Result")
	if out != "ok\nok\n" {
		t.Errorf("verify: %q", out)
	}
	d.run(0, "pull", "hello:r1", d.path("back.raw"))
	back, err := os.ReadFile(d.path("back.raw"))
	if err != nil || string(back) != strings.Repeat("x", 1000) {
		t.Errorf("pulled %q, %v", back, err)
	}
	if err := d.art.Damage("images/hello/r1/hello-r1.raw"); err != nil {
		t.Fatal(err)
	}
	out, errs = d.run(1, "verify", "hello:r1", "-f", "value", "-c", "Result")
	if out != "damaged\nok\n" {
		t.Errorf("verify: %q", out)
	}
	d.expect(errs, "what was read has sha256")
	d.run(0, "delete", there, "--dry-run")
	d.run(0, "delete", there)
	out, _ = d.run(0, "list", "hello", "-f", "value", "-c", "Places")
	d.expect(out, oci+"\n")
	_, errs = d.run(1, "show", "hello:none")
	d.expect(errs, "no image of hello at revision none")
	_, errs = d.run(2, "show", "hello")
	d.expect(errs, "neither APPLICATION:REVISION nor a reference")
}

func (d *imageDesk) artifactoryHost() string {
	data, err := os.ReadFile(d.path("site.yaml"))
	if err != nil {
		d.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "url: 'http://")
	host, _, _ := strings.Cut(after, "/")
	return host
}

// TestImageFails: one of several destinations, and what is said of it.
func TestImageFails(t *testing.T) {
	d := newImageDesk(t)
	disk := "file:" + d.path("disk.raw")
	out, errs := d.run(1, "copy", disk, "oci://"+d.host+"/x/y:1", "oci://127.0.0.1:1/x/y:1", "glance://nowhere/x", "-f", "value", "-c", "Result")
	if out != "copied\nfailed\nfailed\n" {
		t.Errorf("got %q", out)
	}
	d.expect(errs, "connection refused")
	d.expect(errs, "nowhere")
	d.expect(errs, "error: 2 of 3 destinations failed; the same command again does what is left")
	d.write("token", "wrong")
	_, errs = d.run(1, "push", disk, "--application", "a", "--revision", "b")
	d.expect(errs, "check the token that spec.archive of the site names")
	if strings.Contains(errs, "wrong") {
		t.Errorf("the token is shown: %s", errs)
	}
	_, errs = d.run(1, "copy", "file:"+d.path("none"), "file:"+d.path("x"))
	d.expect(errs, "no such file")
}
