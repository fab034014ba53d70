package cli

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// complete is what TAB would show, without the descriptions, and the directive.
func complete(t *testing.T, root func(Env) *cobra.Command, args ...string) []string {
	t.Helper()
	code, out, errs := run(t, root, append([]string{"__completeNoDesc"}, args...)...)
	if code != 0 {
		t.Fatalf("status %d: %s", code, errs)
	}
	return strings.Fields(out)
}

// someKubeconfig has two contexts; nobody answers at their servers.
func someKubeconfig(t *testing.T) string {
	t.Helper()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	path := filepath.Join(t.TempDir(), "config")
	content := `{apiVersion: v1, kind: Config, current-context: one,
contexts: [{name: one, context: {cluster: c1, user: u1}}, {name: other, context: {cluster: c2, user: u2}}, {name: "o$(x)", context: {cluster: c2, user: u2}}],
clusters: [{name: c1, cluster: {server: "http://` + closed.Addr().String() + `"}}, {name: c2, cluster: {server: "http://` + closed.Addr().String() + `"}}],
users: [{name: u1, user: {token: x}}, {name: u2, user: {token: x}}]}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestComplete(t *testing.T) {
	kubeconfig := "--kubeconfig=" + someKubeconfig(t)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"verbs":            {[]string{"key"}, "keystone-login keystone-token :4"},
		"sub-verbs":        {[]string{"pipeline", "sh"}, "show :4"},
		"flags":            {[]string{"my-namespaces", "--ti"}, "--timeout :4"},
		"contexts":         {[]string{"my-namespaces", kubeconfig, "--context", "o"}, "one other :4"},
		"context, with =":  {[]string{"my-namespaces", kubeconfig, "--context=ot"}, "other :4"},
		"clusters":         {[]string{"deploy-image", kubeconfig, "--cluster", ""}, "c1 c2 :4"},
		"users":            {[]string{"deploy-image", kubeconfig, "--user", "u1"}, "u1 :4"},
		"a dead server":    {[]string{"advertise-clusterip", "status", kubeconfig, ""}, ":4"},
		"its namespaces":   {[]string{"deploy-image", kubeconfig, "-n", ""}, ":4"},
		"no such context":  {[]string{"deploy-image", "history", kubeconfig, "--context=none", ""}, ":4"},
		"no kubeconfig":    {[]string{"deploy-image", "history", "--kubeconfig=/nonexistent", ""}, ":4"},
		"output":           {[]string{"pipeline", "list", "-o", "j"}, "json jsonpath= :4"},
		"only =":           {[]string{"pipeline", "list", "-o", "jsonp"}, "jsonpath= :6"},
		"of its own":       {[]string{"version", "-o", ""}, "json yaml :4"},
		"dry-run":          {[]string{"deploy-image", "--dry-run="}, "none client server :4"},
		"a file":           {[]string{"deploy-image", "-f", ""}, ":0"},
		"a number":         {[]string{"deploy-image", "--replicas", ""}, ":4"},
		"a folder":         {[]string{"pipeline", "run", ""}, ":16"},
		"files":            {[]string{"policy", "lint", ""}, ":0"},
		"no arguments":     {[]string{"my-namespaces", ""}, ":4"},
		"one argument":     {[]string{"pipeline", "show", "x", ""}, ":4"},
		"no runs":          {[]string{"pipeline", "show", ""}, ":4"},
		"schema":           {[]string{"schema", "a"}, "application :4"},
		"shells":           {[]string{"completion", ""}, "install bash zsh fish powershell :4"},
		"no clouds":        {[]string{"keystone-login", "--os-cloud", ""}, ":4"},
		"no projects":      {[]string{"keystone-login", "--project", ""}, ":4"},
		"unknown verb":     {[]string{"nosuch", ""}, ":4"},
		"a flag's mistake": {[]string{"deploy-image", "--nosuch", ""}, ":0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(complete(t, NewKubectl, tc.args...), " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	if got := complete(t, NewOpenStack, "image", "list", "-f", ""); !slices.Equal(got, []string{"csv", "json", "table", "value", "yaml", ":4"}) {
		t.Errorf("openstack: %q", got)
	}
	if got := complete(t, NewOpenStack, "image", "show", ""); !slices.Equal(got, []string{":4"}) {
		t.Errorf("without a site: %q", got)
	}
}

// TestEveryArgumentHasAVerb: the table names verbs that there are.
func TestEveryArgumentHasAVerb(t *testing.T) {
	env := Env{Getenv: func(string) string { return "" }}
	root := NewKubectl(env)
	for path := range newCompleter(env).arguments() {
		cmd, rest, err := root.Find(strings.Fields(path))
		if err != nil || len(rest) > 0 || verb(cmd) != path || !strings.Contains(cmd.Use, " ") {
			t.Errorf("%s: no such verb, or it takes no argument (%v)", path, err)
		}
	}
	image, _, _ := NewOpenStack(env).Find([]string{"image"})
	for _, cmd := range image.Commands() {
		if cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, "DIR") {
			t.Errorf("nothing completes %s", cmd.CommandPath())
		}
	}
}

func TestArgs(t *testing.T) {
	for _, tc := range []struct {
		argv, want string
	}{
		{"kubectl-ystack version", "version"},
		{"/home/a/.krew/bin/kubectl_complete-ystack advertise-clusterip -n", "__complete advertise-clusterip -n"},
		{"kubectl_complete-ystack.exe x", "__complete x"},
		{"kubectl-ystack", ""},
	} {
		if got := strings.Join(Args(strings.Fields(tc.argv)), " "); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.argv, got, tc.want)
		}
	}
}

func TestCompletionUsage(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "csh"}, {"completion", "bash", "zsh"}, {"completion", "install", "x"}} {
		if code, out, errs := run(t, NewKubectl, args...); code != exitUsage || out != "" {
			t.Errorf("%q: status %d, %s%s", args, code, out, errs)
		}
	}
	code, _, errs := run(t, NewKubectl, "completion", "install") // without a PATH
	if code != exitError || !strings.Contains(errs, "kubectl does not find kubectl-ystack: put ") {
		t.Errorf("status %d: %s", code, errs)
	}
	for name, args := range map[string][]string{"completion": {"completion", "--help"}, "completion-install": {"completion", "install", "--help"}} {
		_, out, _ := run(t, NewKubectl, args...)
		golden(t, "help/"+name, []byte(out))
	}
}
