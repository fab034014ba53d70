package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/hook"
)

var someDelivery = hook.Delivery{
	ID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Source: hook.SourceHook,
	Push: hook.Push{Repository: "acme/shop", Branch: "main", Before: strings.Repeat("1", 40), After: strings.Repeat("2", 40), Pusher: "alice", Subject: "Sell pears"},
	Jobs: []hook.Job{
		{
			Context: "ystack/web", Directory: "web", State: hook.Succeeded, Message: "web runs in namespace web",
			Started: time.Date(2026, 1, 2, 3, 4, 6, 0, time.Local), Ended: time.Date(2026, 1, 2, 3, 4, 9, 0, time.Local),
			Targets: []hook.Target{{Name: "container", State: hook.Succeeded, Run: "web-20260102-030406-abcd", Message: "web runs in namespace web"}},
		},
		{Context: "ystack/api", Directory: "api", Site: "production.yaml", State: hook.Superseded, By: "another", Message: "a newer push to the branch waited too"},
	},
}

func TestDescribeDelivery(t *testing.T) {
	var out bytes.Buffer
	if err := describeDelivery(&out, someDelivery); err != nil {
		t.Fatal(err)
	}
	golden(t, "delivery.txt", out.Bytes())
	for _, format := range []string{"", "wide", "name", "jsonpath={.items[0].jobs[*].state}"} {
		out.Reset()
		if err := deliveryListing.print(&out, format, []hook.Delivery{someDelivery}); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(format, "=")
		golden(t, "deliveries"+name+".txt", out.Bytes())
	}
}

const someRoutes = "routes: [{repository: acme/hello}]"

// siteFile writes a Site file with these fields in spec.code; "" is no spec.code.
func siteFile(t *testing.T, code string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.yaml")
	text := "apiVersion: ystack.dev/v1alpha1\nkind: Site\nmetadata: {name: lab}\nspec:\n  registries: {push: a.b/c}\n"
	if code != "" {
		text += "  code: {kind: gitea, url: 'http://127.0.0.1:1', " + code + "}\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestServeConfiguration: what is wrong with the site is said before anything is listened on.
func TestServeConfiguration(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ code, want string }{
		"no code":       {"", "spec.code.routes is missing"},
		"no secret":     {someRoutes + ", tokenFile: " + empty, "the hook's secret is empty"},
		"empty secret":  {someRoutes + ", secretFile: " + empty, "secretFile: the file " + empty + " is empty"},
		"no such file":  {someRoutes + ", secretFile: nosuch", "spec.code.secretFile: there is no file"},
		"unset":         {someRoutes + ", secretEnv: NO_SUCH_VARIABLE", "the variable NO_SUCH_VARIABLE is not set, or empty"},
		"route is away": {"secretFile: site.yaml, routes: [{repository: a/b, directory: a/../../b}]", `"a/../../b" leaves the repository`},
		"site is away":  {"secretFile: site.yaml, routes: [{repository: a/b, site: nosuch.yaml}]", "the Site file of the route for a/b"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := run(t, NewKubectl, "pipeline", "serve", "--site", siteFile(t, c.code), "--listen", "127.0.0.1:0")
			if code != 1 || !strings.Contains(errs, c.want) {
				t.Errorf("status %d: %s", code, errs)
			}
		})
	}
}

func TestHookUsage(t *testing.T) {
	site := siteFile(t, someRoutes+", secretFile: site.yaml")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"hook", "install", "--site", site, "--url", "http://a/hook"}, 2, "say which repository"},
		{[]string{"hook", "install", "acme/hello", "--site", site}, 2, "--url must be"},
		{[]string{"hook", "install", "acme/hello", "--site", site, "--url", "http://u:p@a/hook"}, 2, "--url must be"},
		{[]string{"hook", "install", "acme/helo", "--site", site, "--url", "http://a/hook"}, 1, `did you mean "acme/hello"?`},
		{[]string{"hook", "install", "acme/hello", "--site", site, "--url", "http://a/hook"}, 1, "a token is needed"},
		{[]string{"deliveries", "show"}, 2, "say which delivery"},
		{[]string{"deliveries", "show", "x"}, 1, "no such delivery"},
		{[]string{"deliveries", "replay", "x"}, 1, "no such delivery"},
		{[]string{"serve", "--log-level", "loud"}, 2, "--log-level"},
		{[]string{"serve", "--site", site, "--workers", "0"}, 1, "must be 1 or more"},
	} {
		code, _, errs := run(t, NewKubectl, append([]string{"pipeline"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: status %d: %s", c.args, code, errs)
		}
	}
	code, out, errs := run(t, NewKubectl, "pipeline", "deliveries", "list")
	if code != 0 || !strings.HasPrefix(out, "DELIVERY") {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
}

// TestJenkinsfile: what is printed, also for a directory whose name both Groovy and the shell
// would look into.
func TestJenkinsfile(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "it's $HOME")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	application := "apiVersion: ystack.dev/v1alpha1\nkind: Application\nmetadata: {name: hello}\nspec:\n  images: {container: {}}\n"
	write := func(more string) {
		if err := os.WriteFile(filepath.Join(dir, "ystack.yaml"), []byte(application+more), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("  deploy: {container: {}}\n")
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "x"}} {
		if out, err := exec.Command("git", append([]string{"-C", top}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	code, out, errs := run(t, NewKubectl, "pipeline", "jenkinsfile", dir)
	if code != 0 {
		t.Fatalf("status %d: %s", code, errs)
	}
	golden(t, "Jenkinsfile", []byte(out))
	if code, _, errs = run(t, NewKubectl, "pipeline", "jenkinsfile", dir, "--label", "a' || 'b"); code != 1 || !strings.Contains(errs, "no label") {
		t.Errorf("status %d: %s", code, errs)
	}
	write("")
	if code, _, errs = run(t, NewKubectl, "pipeline", "jenkinsfile", dir); code != 1 || !strings.Contains(errs, "nothing to run") {
		t.Errorf("status %d: %s", code, errs)
	}
}
