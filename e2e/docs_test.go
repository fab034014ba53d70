//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a code block that stands below a comment "lab" in a page's source.
type block struct {
	line   int
	status int  // of its last command
	prints bool // what it shows is what its commands print
	lines  []string
}

var (
	marker  = regexp.MustCompile(`^<!-- lab(?:: (.*))? -->$`)
	another = regexp.MustCompile(`^status (\d+)$`)
)

// blocks finds those of a page.
func blocks(page string) ([]block, error) {
	var found []block
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		m := marker.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		b := block{line: i + 1}
		for _, word := range strings.Split(m[1], ", ") {
			switch status := another.FindStringSubmatch(word); {
			case word == "":
			case word == "prints this":
				b.prints = true
			case status != nil:
				_, _ = fmt.Sscan(status[1], &b.status)
			default:
				return nil, fmt.Errorf("line %d: %q is neither \"prints this\" nor \"status N\"", i+1, word)
			}
		}
		for i++; i < len(lines) && (lines[i] == "" || strings.HasPrefix(lines[i], "    ")); i++ {
			b.lines = append(b.lines, strings.TrimPrefix(lines[i], "    "))
		}
		if len(b.lines) < 2 || b.lines[0] != "" {
			return nil, fmt.Errorf("line %d: an empty line and an indented block follow the comment", b.line)
		}
		found = append(found, b)
		i--
	}
	return found, nil
}

// step is a command of a block, and what it prints.
type step struct{ command, output string }

// steps takes a block apart: where there are prompts, what follows a command is its output.
func (b block) steps() []step {
	prompts := strings.HasPrefix(b.lines[1], "$ ")
	var all []step
	for _, line := range b.lines {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand || !prompts && line != "":
			all = append(all, step{command: command})
		case len(all) > 0:
			all[len(all)-1].output += line + "\n"
		}
	}
	return all
}

// session is where a page's blocks are run: what the page calls by names of its own has
// names there that nobody else uses.
type session struct {
	dir   string
	env   []string
	names []string // of the page and of the session, by turns
}

func (s session) run(t *testing.T, page string, b block) {
	t.Helper()
	as := strings.NewReplacer(s.names...)
	steps := b.steps()
	for i, step := range steps {
		cmd := exec.Command("bash", "-c", as.Replace(step.command))
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		status := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		want := 0
		if i == len(steps)-1 {
			want = b.status
		}
		if status != want {
			t.Fatalf("%s:%d: %s\nstatus %d, want %d:\n%s", page, b.line, as.Replace(step.command), status, want, out)
		}
		if b.prints && !shows(as.Replace(step.output), string(out)) {
			t.Errorf("%s:%d: %s\nprints\n%s\nthe page shows\n%s", page, b.line, step.command, out, as.Replace(step.output))
		}
	}
}

// shows compares what a page shows with what was printed, but for spaces; "…" is anything.
func shows(page, printed string) bool {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	pattern := strings.ReplaceAll(regexp.QuoteMeta(words(page)), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(words(printed))
}

// TestDocs runs the blocks of the pages on the lab.
func TestDocs(t *testing.T) {
	needLab(t)
	sessions := map[string]func(*testing.T) session{
		"deploy.md": deploySession, "images.md": imagesSession, "login.md": loginSession, "policy.md": policySession, "tenant-sync.md": tenantsSession,
	}
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found, err := blocks(string(data))
		if err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		name := filepath.Base(page)
		if (len(found) > 0) != (sessions[name] != nil) {
			t.Errorf("%s has %d blocks for the lab; is there a session for it: %v", name, len(found), sessions[name] != nil)
			continue
		}
		if len(found) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sessions[name](t)
			for _, b := range found {
				s.run(t, name, b)
			}
		})
	}
}

// write puts files into the session's folder.
func (s session) write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newSession is one without names, with the lab's clouds.
func newSession(t *testing.T, names ...string) session {
	dir := t.TempDir()
	clouds := "OS_CLIENT_CONFIG_FILE=" + filepath.Join(os.Getenv("YSTACK_LAB"), "etc", "clouds.yaml")
	return session{dir, append(labEnv(), "HOME="+dir, "PATH="+os.Getenv("PATH"), clouds), names}
}

func policySession(t *testing.T) session {
	s := newSession(t)
	const head = `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{`
	s.write(t, map[string]string{
		"policy.jsonl": head + `"user":"alice","namespace":"shop","resource":"pods","readonly":true}}` + "\n",
		"typo.jsonl": head + `"user":"alice","namespace":"shop","resource":"pods","readonly":true}}` + "\n" +
			head + `"user":"bob","namespace":"shop","resource":"pods","readOnly":true}}` + "\n",
		"old.jsonl": head + `"group":"ops","namespace":"web","resource":"*"}}` + "\n" + head + `"group":"ops","namespace":"web","resource":"pods"}}` + "\n",
		"new.jsonl": head + `"group":"ops","namespace":"web","resource":"pods"}}` + "\n" + head + `"user":"alice","namespace":"shop","resource":"pods"}}` + "\n",
	})
	return s
}

func loginSession(t *testing.T) session {
	d := newDesk(t, "username: alice, password: secret-of-alice")
	t.Cleanup(func() { d.must(t, "kubectl", "ystack", "keystone-login", "logout", "--all") }) // with the application credential
	return session{d.dir, d.env, []string{"mycloud", "mine", "--cluster mycluster", "--cluster lab", "web", "team-a"}}
}

// imagesSession has the clouds east and west, an image in one, and a site.
func imagesSession(t *testing.T) session {
	name := "e2e-docs-" + random()
	s := newSession(t, "debian-12", name, "debian:12", "debian:"+name, "registry.example", "127.0.0.1:15000/"+name,
		"hello", name, "openstack ystack", "openstack-ystack")
	const cloud = "  %s:\n    auth: {auth_url: '%s/v3', user_domain_name: Default, project_domain_name: Default, username: %s, password: %s, project_name: %s}\n"
	s.write(t, map[string]string{
		"clouds.yaml": "clouds:\n" + fmt.Sprintf(cloud, "east", labKeystone, "alice", "secret-of-alice", "team-a") +
			fmt.Sprintf(cloud, "west", labKeystone, "bob", "secret-of-bob", "team-b"),
		"site.yaml": "apiVersion: ystack.dev/v1alpha1\nkind: Site\nmetadata: {name: docs}\nspec:\n  openstack: {cloud: east}\n" +
			"  registries: {push: 127.0.0.1:15000/" + name + "}\n",
	})
	s.env = append(s.env, "OS_CLIENT_CONFIG_FILE="+filepath.Join(s.dir, "clouds.yaml"), "YSTACK_SITE="+filepath.Join(s.dir, "site.yaml"))
	t.Cleanup(func() {
		for _, cloud := range []string{"lab-alice", "lab-bob"} {
			for _, image := range []string{name, name + "-5be0c1f6"} {
				_ = exec.Command("openstack", "--os-cloud", cloud, "image", "delete", image).Run()
			}
		}
	})
	s.run(t, "images.md", block{lines: []string{"", "qemu-img create -q -f qcow2 disk.qcow2 1M", "openstack ystack image copy file:disk.qcow2 glance://east/debian-12"}})
	return s
}

// deploySession has an application that a pipeline has run twice for.
func deploySession(t *testing.T) session {
	name := "e2e-" + random()
	s := newSession(t, "-n hello", "-n "+name, " hello ", " "+name+" ", "registry.example/apps/hello:v2", "127.0.0.1:15000/apps/"+name+":$(git rev-parse HEAD~)")
	s.env = append(s.env, "XDG_STATE_HOME="+filepath.Join(s.dir, "state"))
	must(t, "kubectl", "create", "namespace", name)
	t.Cleanup(func() { _ = exec.Command("kubectl", "delete", "namespace", name, "--wait=false").Run() })
	s.dir = filepath.Join(s.dir, "app")
	if err := makeApp(s.dir, name); err != nil {
		t.Fatal(err)
	}
	s.run(t, "deploy.md", block{lines: []string{
		"", "kubectl ystack pipeline run", "echo news >>www/index.html",
		"git -c user.name=e2e -c user.email=e2e@example.com commit -qam news", "kubectl ystack pipeline run",
	}})
	return s
}

// tenantsSession has a TenantSync for the domain corp.
func tenantsSession(t *testing.T) session {
	c := newTenants(t, corp)
	s := newSession(t)
	s.dir = filepath.Dir(c.file)
	s.env = append(s.env, "OS_CLOUD=lab")
	return s
}

func TestBlocks(t *testing.T) {
	page := "text\n\n<!-- lab: prints this, status 1 -->\n\n    $ one\n    1\n    …\n    $ two\n\nmore\n<!-- lab -->\n\n    three\n\n    four   # and more\nend\n"
	found, err := blocks(page)
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	got := fmt.Sprintf("%v %v %q; %v %v %q", found[0].prints, found[0].status, found[0].steps(), found[1].prints, found[1].status, found[1].steps())
	if want := `true 1 [{"one" "1\n…\n"} {"two" "\n"}]; false 0 [{"three" "\n"} {"four   # and more" ""}]`; got != want {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"<!-- lab: nosuch -->\n\n    x\n", "<!-- lab -->\ntext\n", "<!-- lab -->\n    x\n"} {
		if _, err := blocks(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if !shows("a …\n  c\n", "a b\nx c\n") || shows("a\n", "a b\n") || shows("a.c", "abc") {
		t.Error("shows")
	}
}
