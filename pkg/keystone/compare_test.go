package keystone

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the table of docs/keystone.md")

// comparison is one input for openstackclient and for us.
type comparison struct {
	given          string // as the table says it
	env            map[string]string
	clouds, secure string // clouds.yaml, secure.yaml
	flags          []string
	images         bool   // goes on to Glance
	why            string // we differ on purpose
}

const table = "../../docs/keystone.md"

// TestLabCompare drives openstackclient and us with the same inputs. Who they end up as
// is the table of docs/keystone.md; we differ where the table gives a reason, only.
func TestLabCompare(t *testing.T) {
	w := newWorld(t)
	tests := comparisons()
	rows := make([]string, len(tests))
	t.Run("all", func(t *testing.T) {
		for i, test := range tests {
			t.Run(test.given, func(t *testing.T) {
				t.Parallel()
				dir, env := w.prepare(t, test)
				theirs, ours := w.theirs(t, test, dir, env), w.ours(t, test, dir, env)
				if theirs != ours && test.why == "" {
					t.Errorf("openstackclient: %s; we: %s", theirs, ours)
				}
				if theirs == ours && test.why != "" {
					t.Errorf("both: %s; that needs no reason", ours)
				}
				if ours == theirs {
					ours = "the same"
				}
				if test.why != "" {
					ours += ": " + test.why
				}
				rows[i] = fmt.Sprintf("| %s | %s | %s |\n", test.given, theirs, ours)
			})
		}
	})
	if !slices.Contains(rows, "") { // -run may have chosen some
		checkTable(t, strings.Join(rows, ""))
	}
}

func checkTable(t *testing.T, rows string) {
	t.Helper()
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	const head, end = "|---|---|---|\n", "\n<!-- end of what TestLabCompare writes -->"
	before, rest, found := strings.Cut(string(text), head)
	old, after, whole := strings.Cut(rest, end)
	switch {
	case !found || !whole:
		t.Fatalf("%s has no table that ends with %q", table, end)
	case *update:
		if err := os.WriteFile(table, []byte(before+head+rows+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != rows:
		t.Errorf("%s says other than what happens, which is (see -update):\n%s", table, rows)
	}
}

// rc is alice's openrc, changed: names and values in turn, "" for none.
func rc(changes ...string) map[string]string {
	env := map[string]string{
		"OS_AUTH_URL": "$KEYSTONE/v3", "OS_USERNAME": "alice", "OS_PASSWORD": "secret-of-alice", "OS_USER_DOMAIN_NAME": "Default",
		"OS_PROJECT_NAME": "team-a", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_IDENTITY_API_VERSION": "3",
	}
	for i := 0; i < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(env, changes[i])
		}
	}
	return env
}

// just is rc for inputs that have little of a password's.
func just(values ...string) map[string]string {
	env := map[string]string{"OS_AUTH_URL": "$KEYSTONE/v3"}
	for i := 0; i < len(values); i += 2 {
		env[values[i]] = values[i+1]
	}
	return env
}

const (
	aliceYAML = "{auth_url: '$KEYSTONE/v3', username: alice, user_domain_name: Default, project_name: team-a, project_domain_name: Default, password: secret-of-alice}"
	oneCloud  = "clouds: {one: {auth: " + aliceYAML + "}}"
	byID      = "clouds: {one: {auth: {auth_url: '$KEYSTONE/v3', user_id: $ALICE, project_id: $TEAM_A, password: secret-of-alice}}}"
)

func comparisons() []comparison {
	corp := []string{"OS_USER_DOMAIN_NAME", "corp", "OS_PASSWORD", "secret-of-corp-alice", "OS_PROJECT_NAME", "web", "OS_PROJECT_DOMAIN_NAME", "corp"}
	totp := []string{"OS_USERNAME", "totp", "OS_PASSWORD", "", "OS_PASSCODE", "$TOTP", "OS_PROJECT_NAME", "team-b"}
	return []comparison{
		// Types.
		{given: "`password`: an openrc of the dashboard", env: rc()},
		{given: "`v3password` with ids: `OS_USER_ID`, `OS_PROJECT_ID`", env: just("OS_AUTH_TYPE", "v3password", "OS_USER_ID", "$ALICE", "OS_PROJECT_ID", "$TEAM_A", "OS_PASSWORD", "secret-of-alice")},
		{given: "`password`, a wrong one", env: rc("OS_PASSWORD", "wrong")},
		{given: "`token`", env: just("OS_AUTH_TYPE", "token", "OS_TOKEN", "$TOKEN", "OS_PROJECT_ID", "$TEAM_B")},
		{given: "`v3token`, project by name", env: just("OS_AUTH_TYPE", "v3token", "OS_TOKEN", "$TOKEN", "OS_PROJECT_NAME", "team-b", "OS_PROJECT_DOMAIN_ID", "default")},
		{given: "`OS_TOKEN` without a type", env: just("OS_TOKEN", "$TOKEN", "OS_PROJECT_ID", "$TEAM_B"), why: "what is given says what it is for"},
		{given: "a user name beside `OS_TOKEN`, no type", env: rc("OS_TOKEN", "$TOKEN"), why: "as for a token; the user name counts"},
		{given: "`v3applicationcredential` by id", env: just("OS_AUTH_TYPE", "v3applicationcredential", "OS_APPLICATION_CREDENTIAL_ID", "$CREDENTIAL", "OS_APPLICATION_CREDENTIAL_SECRET", "$SECRET")},
		{given: "`v3applicationcredential` by name and user", env: just("OS_AUTH_TYPE", "v3applicationcredential", "OS_APPLICATION_CREDENTIAL_NAME", "reader", "OS_APPLICATION_CREDENTIAL_SECRET", "$SECRET", "OS_USERNAME", "alice", "OS_USER_DOMAIN_ID", "default")},
		{given: "an application credential without a type", env: just("OS_APPLICATION_CREDENTIAL_ID", "$CREDENTIAL", "OS_APPLICATION_CREDENTIAL_SECRET", "$SECRET"), why: "as for a token"},
		{given: "`v3applicationcredential` with a project", env: just("OS_AUTH_TYPE", "v3applicationcredential", "OS_APPLICATION_CREDENTIAL_ID", "$CREDENTIAL", "OS_APPLICATION_CREDENTIAL_SECRET", "$SECRET", "OS_PROJECT_ID", "$TEAM_A")},
		{given: "`v3totp`", env: rc(append(totp, "OS_AUTH_TYPE", "v3totp")...)},
		{given: "`v3multifactor` with `auth_methods` in clouds.yaml", env: just("OS_CLOUD", "one", "OS_PASSCODE", "$MFA"), clouds: "clouds: {one: {auth_type: v3multifactor, auth_methods: [v3password, v3totp], auth: {auth_url: '$KEYSTONE/v3', username: mfa, password: secret-of-mfa, user_domain_id: default, project_name: team-b, project_domain_id: default}}}"},
		{given: "`v3multifactor` with `OS_AUTH_METHODS`", env: rc("OS_AUTH_TYPE", "v3multifactor", "OS_AUTH_METHODS", "v3password,v3totp", "OS_USERNAME", "mfa", "OS_PASSWORD", "secret-of-mfa", "OS_PASSCODE", "$MFA", "OS_PROJECT_NAME", "team-b"), why: "it reads the text as a list of letters"},
		{given: "`password` and `OS_PASSCODE`, for a user who needs both", env: rc("OS_USERNAME", "mfa", "OS_PASSWORD", "secret-of-mfa", "OS_PASSCODE", "$MFA", "OS_PROJECT_NAME", "team-b"), why: "we go on with the receipt that Keystone hands out"},
		// Domains.
		{given: "a user of one domain, a project of another", env: rc("OS_USERNAME", "$VISITOR", "OS_USER_DOMAIN_NAME", "corp", "OS_PASSWORD", "$PASSWORD", "OS_PROJECT_NAME", "team-b")},
		{given: "no domains, `OS_IDENTITY_API_VERSION=3`", env: rc("OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_NAME", "")},
		{given: "no domains, no version", env: rc("OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_NAME", "", "OS_IDENTITY_API_VERSION", "")},
		{given: "`OS_DEFAULT_DOMAIN` and version 3", env: rc(append(corp, "OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_NAME", "", "OS_DEFAULT_DOMAIN", "$CORP")...)},
		{given: "`OS_DEFAULT_DOMAIN_NAME`, no version", env: rc(append(corp, "OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_NAME", "", "OS_IDENTITY_API_VERSION", "", "OS_DEFAULT_DOMAIN_NAME", "corp")...)},
		{given: "`OS_DOMAIN_NAME` beside a project", env: rc(append(corp, "OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_NAME", "", "OS_IDENTITY_API_VERSION", "", "OS_DOMAIN_NAME", "corp")...)},
		// Scope.
		{given: "`OS_TENANT_NAME`", env: rc("OS_PROJECT_NAME", "", "OS_TENANT_NAME", "team-b")},
		{given: "`OS_DOMAIN_NAME`, no project", env: rc("OS_USERNAME", "chief", "OS_PASSWORD", "secret-of-chief", "OS_USER_DOMAIN_NAME", "corp", "OS_PROJECT_NAME", "", "OS_PROJECT_DOMAIN_NAME", "", "OS_DOMAIN_NAME", "corp")},
		{given: "`OS_SYSTEM_SCOPE=all`", env: rc("OS_USERNAME", "auditor", "OS_PASSWORD", "secret-of-auditor", "OS_PROJECT_NAME", "", "OS_SYSTEM_SCOPE", "all")},
		{given: "`OS_SYSTEM_SCOPE=all` and a project", env: rc("OS_SYSTEM_SCOPE", "all"), why: "nobody knows which of two scopes is meant"},
		{given: "no scope", env: rc("OS_USERNAME", "nobody", "OS_PASSWORD", "secret-of-nobody", "OS_PROJECT_NAME", "")},
		// Files and flags.
		{given: "clouds.yaml and secure.yaml, `OS_CLOUD`", env: map[string]string{"OS_CLOUD": "one"}, clouds: strings.Replace(oneCloud, "secret-of-alice", "wrong", 1), secure: "clouds: {one: {auth: {password: secret-of-alice}}}"},
		{given: "clouds.yaml with one cloud, no `OS_CLOUD`", clouds: oneCloud, why: "as the other programs that use openstacksdk"},
		{given: "clouds.yaml with a cloud, `OS_CLOUD`, and `OS_PROJECT_NAME`", env: map[string]string{"OS_CLOUD": "one", "OS_PROJECT_NAME": "team-b"}, clouds: oneCloud, why: "a variable goes before the file, as it does in newer releases of openstacksdk"},
		{given: "a project id in clouds.yaml, `OS_PROJECT_NAME`", env: map[string]string{"OS_CLOUD": "one", "OS_PROJECT_NAME": "team-b", "OS_PROJECT_DOMAIN_ID": "default"}, clouds: byID},
		{given: "a project id in clouds.yaml, `--os-project-name`", flags: []string{"cloud", "one", "project_name", "team-b", "project_domain_id", "default"}, clouds: byID, why: "a flag means what it says"},
		{given: "`auth_plugin`, `tenant-name`, at the top level", env: map[string]string{"OS_CLOUD": "one"}, clouds: "clouds: {one: {auth_plugin: v3password, tenant-name: team-b, auth: {auth_url: '$KEYSTONE/v3', username: alice, user_domain_name: Default, project_domain_name: Default, password: secret-of-alice}}}"},
		// Where Keystone is, and how far it is trusted.
		{given: "https, an unknown authority", env: rc("OS_AUTH_URL", "$TLS/v3")},
		{given: "https, `OS_CACERT`", env: rc("OS_AUTH_URL", "$TLS/v3", "OS_CACERT", "$CA")},
		{given: "https, `verify: false`", env: map[string]string{"OS_CLOUD": "one"}, clouds: strings.Replace(strings.Replace(oneCloud, "$KEYSTONE", "$TLS", 1), "auth:", "verify: false, auth:", 1)},
		{given: "https, `OS_INSECURE=true`", env: rc("OS_AUTH_URL", "$TLS/v3", "OS_INSECURE", "true"), why: "as Terraform, Packer and the other programs that use openstacksdk"},
		// Endpoints: these go on to Glance.
		{given: "`OS_REGION_NAME`, `OS_INTERFACE=internal`", env: rc("OS_REGION_NAME", "RegionOne", "OS_INTERFACE", "internal"), images: true},
		{given: "`OS_REGION_NAME` that is not there", env: rc("OS_REGION_NAME", "Elsewhere"), images: true},
		{given: "`image_endpoint_override`, to nowhere", env: map[string]string{"OS_CLOUD": "one"}, clouds: strings.Replace(oneCloud, "auth:", "image_endpoint_override: 'http://127.0.0.1:9/', auth:", 1), images: true},
		{given: "`OS_IMAGE_ENDPOINT_OVERRIDE`, to nowhere", env: rc("OS_IMAGE_ENDPOINT_OVERRIDE", "http://127.0.0.1:9/"), images: true},
	}
}

// world is what the inputs speak of.
type world struct {
	admin *Session
	names map[string]string // of users, projects and domains, by id
	marks []string          // $KEYSTONE … and what they stand for
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cfg := labConfig(t, "lab")
	w := &world{admin: NewSession(testClient(t, cfg), cfg), names: map[string]string{}}
	ids := map[string]string{}
	for _, kind := range []string{"domains", "projects", "users"} {
		for _, thing := range objects(w.ask(t, http.MethodGet, "/v3/"+kind, nil)[kind]) {
			id, name := thing["id"].(string), thing["name"].(string)
			if domain, ok := thing["domain_id"].(string); ok {
				name += " (" + w.names[domain] + ")"
			}
			w.names[id], ids[kind+" "+name] = name, id
		}
	}
	keystone := strings.TrimSuffix(cfg.AuthURL, "/v3")
	secure, ca := tlsProxy(t, keystone)
	_, token := login(t, labConfig(t, "lab-alice"))
	reader := labConfig(t, "lab-reader")
	_, readers := login(t, reader)
	visitor := w.visitor(t, ids["domains corp"], ids["projects team-b (Default)"])
	w.marks = []string{
		"$KEYSTONE", keystone, "$TLS", secure, "$CA", ca, "$TOKEN", token.ID.Reveal(),
		"$ALICE", ids["users alice (Default)"], "$TEAM_A", ids["projects team-a (Default)"], "$TEAM_B", ids["projects team-b (Default)"],
		"$CORP", ids["domains corp"], "$CREDENTIAL", readers.ApplicationCredential.ID, "$SECRET", reader.ApplicationCredentialSecret.Reveal(),
		"$VISITOR", visitor, "$PASSWORD", visitorPassword,
	}
	return w
}

// objects is a list of objects in JSON.
func objects(v any) []map[string]any {
	var all []map[string]any
	items, _ := v.([]any)
	for _, item := range items {
		all = append(all, item.(map[string]any))
	}
	return all
}

// ask is a request of the administrator's.
func (w *world) ask(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	var data io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.NewReader(text)
	}
	request, err := w.admin.Request(t.Context(), method, "identity", path, data)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := w.admin.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); response.StatusCode > 299 || err != nil && err != io.EOF {
		t.Fatalf("%s %s: %s, %v, %v", method, path, response.Status, answer, err)
	}
	return answer
}

const visitorPassword = "secret-of-visitor"

// visitor makes a user whose project is of another domain; the lab has none.
func (w *world) visitor(t *testing.T, domain, project string) string {
	t.Helper()
	name := "compare-visitor-" + time.Now().UTC().Format("150405.000000")
	made := w.ask(t, http.MethodPost, "/v3/users", map[string]any{"user": map[string]any{"name": name, "domain_id": domain, "password": visitorPassword}})
	id := made["user"].(map[string]any)["id"].(string)
	w.names[id] = "a visitor (corp)"
	t.Cleanup(func() {
		request, err := http.NewRequest(http.MethodDelete, w.admin.cfg.AuthURL+"/users/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := w.admin.Do(request); err != nil || response.StatusCode != http.StatusNoContent {
			t.Errorf("user %s stays behind: %v", name, err)
		}
	})
	role := objects(w.ask(t, http.MethodGet, "/v3/roles?name=member", nil)["roles"])[0]["id"].(string)
	w.ask(t, http.MethodPut, "/v3/projects/"+project+"/users/"+id+"/roles/"+role, nil)
	return name
}

// tlsProxy is Keystone behind TLS, and the file of its authority.
func tlsProxy(t *testing.T, keystone string) (address, ca string) {
	t.Helper()
	to, err := url.Parse(keystone)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(to))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // who does not trust it hangs up
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return proxy.URL, ca
}

// prepare writes the files into a directory, and fills in the environment.
func (w *world) prepare(t *testing.T, c comparison) (dir string, env map[string]string) {
	t.Helper()
	marks := slices.Clone(w.marks)
	text := fmt.Sprint(c.env)
	for _, user := range []string{"totp", "mfa"} {
		if mark := "$" + strings.ToUpper(user); strings.Contains(text, mark) {
			marks = append(marks, mark, passcode(t, user))
		}
	}
	fill := strings.NewReplacer(marks...)
	dir, env = t.TempDir(), map[string]string{"HOME": "/nonexistent"}
	for name, value := range c.env {
		env[name] = fill.Replace(value)
	}
	for name, content := range map[string]string{"clouds.yaml": c.clouds, "secure.yaml": c.secure} {
		if content == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(content)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, env
}

const refused = "refused"

// theirs is who openstackclient ends up as.
func (w *world) theirs(t *testing.T, c comparison, dir string, env map[string]string) string {
	t.Helper()
	var args []string
	for i := 0; i < len(c.flags); i += 2 {
		args = append(args, "--os-"+strings.ReplaceAll(c.flags[i], "_", "-"), c.flags[i+1])
	}
	if c.images {
		args = append(args, "image", "list")
	} else {
		args = append(args, "token", "issue")
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "openstack", append(args, "-f", "json")...)
	cmd.Dir, cmd.Stderr, cmd.Env = dir, &stderr, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Logf("openstackclient: %v: %s", err, last(stderr.String()))
		return refused
	}
	if c.images {
		return "the list of images"
	}
	var token struct {
		User    string `json:"user_id"`
		Project string `json:"project_id"`
		Domain  string `json:"domain_id"`
		System  string `json:"system"`
	}
	if err := json.Unmarshal(out, &token); err != nil {
		t.Fatalf("openstackclient: %v: %s", err, out)
	}
	return w.name(token.User, token.Project, token.Domain, token.System != "")
}

func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// ours is who we end up as.
func (w *world) ours(t *testing.T, c comparison, dir string, env map[string]string) string {
	t.Helper()
	o := LoadOptions{Dir: dir, ConfigDirs: []string{}, Overrides: map[string]string{}, Getenv: func(name string) string { return env[name] }}
	for i := 0; i < len(c.flags); i += 2 {
		if c.flags[i] == "cloud" {
			o.Cloud = c.flags[i+1]
		} else {
			o.Overrides[c.flags[i]] = c.flags[i+1]
		}
	}
	no := func(err error) string {
		t.Logf("we: %v", err)
		return refused
	}
	cfg, err := Load(o)
	if err != nil {
		return no(err)
	}
	client := testClient(t, cfg)
	if c.images {
		if status, err := images(t.Context(), NewSession(client, cfg)); err != nil || status != http.StatusOK {
			return no(fmt.Errorf("%d, %w", status, err))
		}
		return "the list of images"
	}
	token, err := client.Authenticate(t.Context(), cfg, cfg.Scope)
	if err != nil {
		return no(err)
	}
	project, domain := "", ""
	if token.Project != nil {
		project = token.Project.ID
	}
	if token.Domain != nil {
		domain = token.Domain.ID
	}
	return w.name(token.User.ID, project, domain, token.System)
}

// name is who somebody with these ids is.
func (w *world) name(user, project, domain string, system bool) string {
	name := w.names[user]
	switch {
	case project != "":
		return name + " in " + w.names[project]
	case domain != "":
		return name + " in domain " + w.names[domain]
	case system:
		return name + " in the system"
	}
	return name + ", no scope"
}
