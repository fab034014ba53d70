package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/tenancy"
)

func TestTenantSyncHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"tenant-sync":           {"tenant-sync", "--help"},
		"tenant-sync-manifests": {"tenant-sync", "manifests", "--help"},
	} {
		code, out, errs := run(t, NewKubectl, args...)
		if code != 0 || errs != "" {
			t.Fatalf("%s: status %d, %s", name, code, errs)
		}
		golden(t, "help/"+name, []byte(out))
	}
}

func tenantSyncFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: ystack.dev/v1alpha1\nkind: TenantSync\nmetadata: {name: mycloud}\nspec: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTenantSyncUsage(t *testing.T) {
	plan, file := filepath.Join(t.TempDir(), "plan.json"), tenantSyncFile(t)
	if err := os.WriteFile(plan, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing":           {nil, 2, "-f FILE"},
		"two sources":       {[]string{"-f", "x", "--apply", "y"}, 2, "--apply does not go with -f"},
		"apply and diff":    {[]string{"--apply", "y", "--diff"}, 2, "takes none of --diff"},
		"apply and delete":  {[]string{"--apply", "y", "--delete-quarantined"}, 2, "--delete-quarantined"},
		"diff and dry run":  {[]string{"-f", "x", "--diff", "--dry-run"}, 2, "take one of them"},
		"diff and plan":     {[]string{"-f", "x", "--diff", "--plan-out", "y"}, 2, "take one of them"},
		"plan and dry run":  {[]string{"-f", "x", "--dry-run", "--plan-out", "y"}, 2, "take one of them"},
		"dry run":           {[]string{"-f", "x", "--dry-run=maybe"}, 2, `--dry-run "maybe"`},
		"output":            {[]string{"-f", "x", "-o", "yaml"}, 2, `-o "yaml": json`},
		"age":               {[]string{"-f", "x", "--older-than", "1 month"}, 2, `--older-than "1 month"`},
		"negative age":      {[]string{"-f", "x", "--older-than", "-3h"}, 2, `--older-than "-3h"`},
		"no authorizer":     {[]string{"-f", "x", "--authz", "acl"}, 2, `--authz "acl"`},
		"abac, no file":     {[]string{"-f", "x", "--authz", "rbac,abac"}, 2, "--authz abac needs a file to write: --policy-file"},
		"file for rbac":     {[]string{"-f", "x", "--authz", "rbac", "--policy-file", "y"}, 2, "--policy-file is for ABAC"},
		"include alone":     {[]string{"-f", "x", "--policy-include", "y"}, 2, "--policy-include is for --policy-file"},
		"apply and file":    {[]string{"--apply", "x", "--policy-file", "y"}, 2, "--apply does what was saved"},
		"concurrency":       {[]string{"-f", "x", "--concurrency", "0"}, 2, "at least 1"},
		"argument":          {[]string{"-f", "x", "y"}, 2, `unknown command "y"`},
		"watch and diff":    {[]string{"-f", "x", "--watch", "--diff"}, 2, "--watch changes the cluster again and again, and takes none of"},
		"watch and output":  {[]string{"-f", "x", "--watch", "-o", "json"}, 2, "takes none of"},
		"watch a plan":      {[]string{"--apply", "x", "--watch"}, 2, "takes none of"},
		"interval":          {[]string{"-f", "x", "--watch", "--interval", "10ms"}, 2, "--interval 10ms: at least 1s"},
		"interval once":     {[]string{"-f", "x", "--interval", "10s"}, 2, "--interval goes with --watch"},
		"level":             {[]string{"-f", "x", "--watch", "--log-level", "loud"}, 2, `--log-level is "loud"`},
		"watch no file":     {[]string{"-f", file + "x", "--watch", "--server", "https://127.0.0.1:1"}, 1, "no such file"},
		"watch no cloud":    {[]string{"-f", file, "--watch", "--server", "https://127.0.0.1:1"}, 1, "no OpenStack credentials"},
		"manifests":         {[]string{"manifests"}, 2, "-f FILE"},
		"manifests of none": {[]string{"manifests", "-f", filepath.Join(t.TempDir(), "none")}, 1, "no such file"},
		"manifests often":   {[]string{"manifests", "-f", "x", "--interval", "0s"}, 2, "--interval 0s: at least 1s"},
		"manifests age":     {[]string{"manifests", "-f", "x", "--older-than", "x"}, 2, `--older-than "x"`},
		"diff of no file":   {[]string{"-f", filepath.Join(t.TempDir(), "none"), "--diff", "--server", "https://127.0.0.1:1"}, 2, "none: no such file"},
		"no file":           {[]string{"-f", filepath.Join(t.TempDir(), "none"), "--server", "https://127.0.0.1:1"}, 1, "none: no such file"},
		"not a saved plan":  {[]string{"--apply", plan, "--server", "https://127.0.0.1:1"}, 1, plan + ": not a saved plan"},
		"no plan":           {[]string{"--apply", plan + "x", "--server", "https://127.0.0.1:1"}, 1, "no such file"},
		"unknown flag near": {[]string{"--delete-quarantine"}, 2, `did you mean "--delete-quarantined"?`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewKubectl, append([]string{"tenant-sync"}, tc.args...)...)
			if code != tc.code || out != "" || !strings.Contains(errs, tc.want) {
				t.Errorf("status %d, %s%s", code, out, errs)
			}
		})
	}
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "0d": 0, "12h": 12 * time.Hour, "0s": 0, "1h30m": 90 * time.Minute} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "99999999d", "30", "1w", "-1h"} {
		if got, err := parseAge(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestTenantSyncPrints what a plan does and leaves undone.
func TestTenantSyncPrints(t *testing.T) {
	object := func(kind, namespace, name string) tenancy.Object {
		return tenancy.Object{Kind: kind, Metadata: tenancy.Metadata{Namespace: namespace, Name: name}}
	}
	plan := &tenancy.Plan{
		Changes:   []tenancy.Change{{Action: tenancy.Create, Object: object("Namespace", "", "web"), Reason: "for project web (corp)"}},
		Held:      []tenancy.Change{{Action: tenancy.Revoke, Object: object("RoleBinding", "shop", "ystack:edit:member"), Reason: "the project is disabled"}},
		Caps:      "60 removals are more than spec.caps.removals allows (50)",
		Conflicts: []string{"namespace old of project old is being deleted: when it is gone, the next run makes it anew"},
	}
	var out bytes.Buffer
	for _, output := range []string{"", "json"} {
		if err := (&tenantSyncOptions{Output: output}).print(&out, plan); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "tenant-sync-plan.txt", out.Bytes())
}

// TestTenantSyncManifests: what is printed is what the file says, and which cloud may come
// from the environment.
func TestTenantSyncManifests(t *testing.T) {
	file := tenantSyncFile(t)
	args := []string{"tenant-sync", "manifests", "-f", file, "--image=registry.example/ystack:v1"}
	if code, out, errs := run(t, NewKubectl, args...); code != 1 || out != "" || !strings.Contains(errs, "no cloud given (--os-cloud)") {
		t.Errorf("status %d, %s%s", code, out, errs)
	}
	code, out, errs := run(t, NewKubectl, append(args, "--os-cloud=mycloud")...)
	if code != 0 || errs != "" {
		t.Fatalf("status %d, %s", code, errs)
	}
	golden(t, "tenant-sync-manifests.yaml", []byte(out))
}
