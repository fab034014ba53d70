package login

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// loginTo makes the test program one of many that log in at the same time.
const loginTo = "YSTACK_TEST_LOGIN"

func TestMain(m *testing.M) {
	if name := os.Getenv(loginTo); name != "" {
		dir := os.Getenv("YSTACK_TEST_DIR")
		s := &Service{
			Getenv: os.Getenv, Dir: dir, CacheDir: filepath.Join(dir, "cache"), StateDir: filepath.Join(dir, "state"),
			Warn: func(format string, args ...any) { fmt.Printf(format+"\n", args...) },
		}
		in := Input{Pin: Pin{"cloud": "mine"}, All: true, Kubeconfig: kubeconfig(filepath.Join(dir, "kubeconfig")), ContextName: name + "/{project}", Command: "kubectl-ystack"}
		if _, err := s.Login(context.Background(), in); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// door is the lab's Keystone behind a proxy that counts, and that can be shut.
type door struct {
	*httptest.Server
	logins atomic.Int32
	shut   atomic.Int32 // the status to answer with; 0 lets through
}

func newDoor(t *testing.T) *door {
	t.Helper()
	if os.Getenv("YSTACK_LAB") == "" || os.Getenv("OS_CLIENT_CONFIG_FILE") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal(`no lab: run it up and eval "$(lab env)"`)
		}
		t.Skip(`needs the lab: eval "$(lab env)"`)
	}
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab-alice", Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(strings.TrimSuffix(cfg.AuthURL, "/v3"))
	if err != nil {
		t.Fatal(err)
	}
	d, proxy := &door{}, httputil.NewSingleHostReverseProxy(to)
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/v3/auth/tokens" {
			d.logins.Add(1)
		}
		if status := d.shut.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

// person is a user of the lab, with cloud mine in clouds.yaml, who comes through a door.
func (d *door) person(t *testing.T, name, password string) *Service {
	t.Helper()
	s := testService(t, map[string]string{})
	secret := ""
	if password != "" {
		secret = ", password: " + password
	}
	writeFile(t, s.Dir, "clouds.yaml", fmt.Sprintf("clouds:\n  mine:\n    auth: {auth_url: '%s/v3', username: %s, user_domain_name: Default%s}\n", d.URL, name, secret))
	writeFile(t, s.Dir, "kubeconfig", foreign)
	return s
}

// foreign is a kubeconfig as other programs write it.
const foreign = `apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:1
  name: there
contexts:
- context:
    cluster: there
    namespace: mine
    user: admin
  name: there
current-context: there
kind: Config
users:
- name: admin
  user:
    token: not-ours
`

func kubeconfig(path string) clientcmd.ConfigAccess {
	o := clientcmd.NewDefaultPathOptions()
	o.LoadingRules.ExplicitPath = path
	return o
}

func (s *Service) kubeconfig() clientcmd.ConfigAccess {
	return kubeconfig(filepath.Join(s.Dir, "kubeconfig"))
}

func (s *Service) mustLogin(t *testing.T, in Input) *Result {
	t.Helper()
	if in.Pin == nil {
		in.Pin = Pin{"cloud": "mine"}
	}
	in.Kubeconfig, in.Command = s.kubeconfig(), "kubectl-ystack"
	r, err := s.Login(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustFail checks the kind and the text of an error.
func mustFail(t *testing.T, err, kind error, want ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

// TestKubeconfig: what a login writes, and that it leaves all else as it is.
func TestKubeconfig(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "alice", "secret-of-alice")
	r := s.mustLogin(t, Input{All: true})
	if r.Current != "there" || len(r.Contexts) != 3 {
		t.Errorf("current is %s, contexts %v", r.Current, r.Contexts)
	}
	got, err := os.ReadFile(filepath.Join(s.Dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(got, []byte(d.URL), []byte("https://keystone"))
	got = regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAll(got, []byte("ID"))
	golden := filepath.Join("testdata", "kubeconfig.yaml")
	if *update {
		writeFile(t, "testdata", "kubeconfig.yaml", string(got))
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	first := s.mustLogin(t, Input{Print: true, Projects: []string{"team-b"}})
	config, err := clientcmd.Load(first.Kubeconfig)
	if err != nil || len(config.Contexts) != 1 || config.CurrentContext != "mine/team-b" || len(config.AuthInfos) != 1 || config.Clusters["there"] == nil {
		t.Errorf("printed %s, %v", first.Kubeconfig, err)
	}
}

// TestNamesTaken: what others wrote is not replaced, and a context keeps its cluster.
func TestNamesTaken(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "alice", "secret-of-alice")
	login := func(in Input) error {
		in.Pin, in.Kubeconfig, in.Command = Pin{"cloud": "mine"}, s.kubeconfig(), "kubectl-ystack"
		_, err := s.Login(t.Context(), in)
		return err
	}
	one := []string{"team-a"}
	mustFail(t, login(Input{Projects: one, ContextName: "there"}), ErrTaken, `has a context "there" that keystone-login did not write`)
	mustFail(t, login(Input{Projects: one, ContextName: "admin"}), ErrTaken, `has a user "admin" that keystone-login did not write`)
	mustFail(t, login(Input{All: true, ContextName: "x"}), ErrTaken, "put {project} into --context-name")
	before := d.logins.Load()
	mustFail(t, login(Input{Projects: one, Cluster: "nosuch"}), ErrNoCluster, `no cluster "nosuch"; known: there`)
	if d.logins.Load() != before {
		t.Error("logged in before it looked for the cluster")
	}
	if err := login(Input{Projects: one}); err != nil {
		t.Fatal(err)
	}
	kubectl := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), "kubectl", append(args, "--kubeconfig", filepath.Join(s.Dir, "kubeconfig"))...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	kubectl("config", "set-cluster", "other", "--server", "https://127.0.0.1:2")
	kubectl("config", "set-context", "mine/team-a", "--namespace", "chosen")
	kubectl("config", "set-context", "there", "--cluster", "other")
	mustFail(t, login(Input{Projects: one, Cluster: "other"}), ErrTaken, `"mine/team-a" for cluster there`, "{cloud}/{project}/other")
	if err := login(Input{Projects: one}); err != nil { // as the remedy of a message says, whatever is current
		t.Fatal(err)
	}
	b, err := s.openBook(t.Context(), s.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if c := b.config.Contexts["mine/team-a"]; c.Cluster != "there" || c.Namespace != "chosen" {
		t.Errorf("became %+v", c)
	}
}

// TestManyLogins: twenty processes log in at once, and no entry is lost.
func TestManyLogins(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "bob", "secret-of-bob")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const many = 20
	var running sync.WaitGroup
	for i := range many {
		running.Go(func() {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = []string{loginTo + fmt.Sprintf("=n%d", i), "YSTACK_TEST_DIR=" + s.Dir}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	running.Wait()
	b, err := s.openBook(t.Context(), s.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.ours()) != many || b.config.AuthInfos["admin"].Token != "not-ours" || b.config.Contexts["there"].Namespace != "mine" {
		t.Errorf("%d contexts: %s", len(b.ours()), contextNames(b.ours()))
	}
}

// TestToken: one request for a new token, none for a kept one, one question about one
// that was refused, and the old one while Keystone is away.
func TestToken(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "alice", "secret-of-alice")
	pin := s.mustLogin(t, Input{Projects: []string{"team-a"}}).Contexts[0].pin
	store, key := s.tokens(), pin.Key()
	first, ok := store.Get(key)
	if !ok {
		t.Fatal("the login's token is not kept")
	}
	must := func(want string, logins int32, in TokenInput) Credential {
		t.Helper()
		before := d.logins.Load()
		got, err := s.Token(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if want != "" && got.Token.Reveal() != want {
			t.Errorf("another token, from %s", got.Source)
		}
		if n := d.logins.Load() - before; n != logins {
			t.Errorf("%d logins, want %d", n, logins)
		}
		return got
	}
	in := TokenInput{Pin: pin, Parent: "10:1"}
	must(first.Token, 0, in)

	// The cold cache: exactly one request, already with the scope.
	if err := store.Remove(key); err != nil {
		t.Fatal(err)
	}
	second := must("", 1, in)
	if got := second.Source; !strings.Contains(got, "clouds.yaml") {
		t.Errorf("source is %s", got)
	}

	// Revoked behind our back. The process comes again; another one does not.
	age := func() {
		e, _ := store.Get(key)
		e.Got = e.Got.Add(-time.Minute)
		if err := store.Put(key, e); err != nil {
			t.Fatal(err)
		}
		store.Returning(key, "10:1", e, e.Got)
	}
	age()
	client, err := s.clientFor(pin)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Revoke(t.Context(), second.Token); err != nil {
		t.Fatal(err)
	}
	must(second.Token.Reveal(), 0, TokenInput{Pin: pin, Parent: "11:1"})
	third := must("", 1, in)
	if third.Token == second.Token {
		t.Error("the revoked token again")
	}

	// It comes again, but the token is good: asked once, and not again for a while.
	age()
	must(third.Token.Reveal(), 0, in)
	must(third.Token.Reveal(), 0, in)

	// Due for renewal while Keystone is away.
	e, _ := store.Get(key)
	e.Got, e.Expires = e.Got.Add(-time.Hour), time.Now().Add(30*time.Second)
	if err := store.Put(key, e); err != nil {
		t.Fatal(err)
	}
	d.shut.Store(http.StatusServiceUnavailable)
	must(e.Token, 1, TokenInput{Pin: pin})
	d.shut.Store(0)
	if got := must("", 1, TokenInput{Pin: pin}); got.Token.Reveal() == e.Token {
		t.Error("was not renewed when Keystone came back")
	}
}

// TestTokenOfAnotherShell: variables of somebody else are passed over, those of the
// same user serve, and without any the login's own token does.
func TestTokenOfAnotherShell(t *testing.T) {
	d := newDoor(t)
	env := map[string]string{"OS_AUTH_URL": d.URL + "/v3", "OS_USERNAME": "alice", "OS_USER_DOMAIN_NAME": "Default", "OS_PASSWORD": "secret-of-alice", "OS_PROJECT_NAME": "team-a", "OS_PROJECT_DOMAIN_NAME": "Default"}
	s := testService(t, env)
	writeFile(t, s.Dir, "kubeconfig", foreign)
	pin := s.mustLogin(t, Input{Pin: Pin{}, All: true}).Contexts[2].pin // of which no token is kept
	if strings.Contains(strings.Join(pin.Args(), " "), "secret") {
		t.Error("the pin holds the password")
	}
	for name, tc := range map[string]struct {
		env    map[string]string
		source string
	}{
		"the same":     {env, "OS_PASSWORD"},
		"none":         {nil, "login of "},
		"of another":   {map[string]string{"OS_AUTH_URL": d.URL + "/v3", "OS_USERNAME": "bob", "OS_USER_DOMAIN_NAME": "Default", "OS_PASSWORD": "secret-of-bob"}, "login of "},
		"of a token":   {map[string]string{"OS_AUTH_TYPE": "token", "OS_TOKEN": "canary"}, "login of "},
		"another home": {map[string]string{"OS_CLOUD": "other"}, "login of "},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.tokens().Remove(pin.Key()); err != nil {
				t.Fatal(err)
			}
			s.Getenv = func(name string) string { return tc.env[name] }
			got, err := s.Token(t.Context(), TokenInput{Pin: pin})
			if err != nil || !strings.HasPrefix(got.Source, tc.source) {
				t.Fatalf("from %s, %v", got.Source, err)
			}
			client, err := s.clientFor(pin)
			if err != nil {
				t.Fatal(err)
			}
			if token, err := client.Validate(t.Context(), got.Token); err != nil || token.User.Name != "alice" || token.Project.Name != "team-b" {
				t.Errorf("%+v, %v", token, err)
			}
		})
	}
}

// TestLogout: revoked there, forgotten here, and not begun again unasked.
func TestLogout(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "alice", "secret-of-alice")
	r := s.mustLogin(t, Input{Projects: []string{"team-a", "team-b"}})
	for _, c := range r.Contexts {
		if _, err := s.Token(t.Context(), TokenInput{Pin: c.pin}); err != nil {
			t.Fatal(err)
		}
	}
	ended, err := s.Logout(t.Context(), LogoutInput{Kubeconfig: s.kubeconfig(), Context: "mine/team-a"})
	if err != nil || len(ended) != 2 {
		t.Fatalf("%v, %v", ended, err)
	}
	client, err := s.clientFor(r.Contexts[0].pin)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Validate(t.Context(), r.Token.ID)
	mustFail(t, err, keystone.ErrNotFound)
	before := d.logins.Load()
	for _, c := range r.Contexts {
		_, err := s.Token(t.Context(), TokenInput{Pin: c.pin})
		mustFail(t, err, ErrLoggedOut, "alice (domain Default) logged out of "+d.URL, "`kubectl ystack keystone-login --os-cloud mine --project "+c.Project+"`")
	}
	if d.logins.Load() != before {
		t.Error("a login began all the same")
	}
	s.mustLogin(t, Input{Projects: []string{"team-a"}})
	if _, err := s.Token(t.Context(), TokenInput{Pin: r.Contexts[1].pin}); err != nil {
		t.Error(err)
	}

	// Keystone is away: it is said, and forgotten here all the same.
	d.shut.Store(http.StatusServiceUnavailable)
	_, err = s.Logout(t.Context(), LogoutInput{Kubeconfig: s.kubeconfig(), All: true})
	mustFail(t, err, ErrRemains, "token of alice (domain Default) (team-a)")
	if all, _ := s.tokens().All(); len(all) != 0 {
		t.Errorf("%d tokens are left", len(all))
	}
	_, err = s.Token(t.Context(), TokenInput{Pin: r.Contexts[0].pin})
	mustFail(t, err, ErrLoggedOut)

	_, err = s.Logout(t.Context(), LogoutInput{Kubeconfig: s.kubeconfig()})
	mustFail(t, err, ErrNotOurs, `context "there"`, "mine/team-a, mine/team-b")
}

// TestApplicationCredential: one at a time, deleted by a logout and by a login that
// fails, and its token makes nothing further.
func TestApplicationCredential(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "hanako", "x")
	writeFile(t, s.Dir, "clouds.yaml", fmt.Sprintf("clouds:\n  mine:\n    auth: {auth_url: '%s/v3', username: 花子, user_domain_name: Default, password: secret-of-hanako}\n", d.URL))
	t.Cleanup(func() { _, _ = s.Logout(context.Background(), LogoutInput{Kubeconfig: s.kubeconfig(), All: true}) })
	in := Input{ApplicationCredential: &CredentialRequest{Lifetime: time.Hour, Host: "test"}}
	first := s.mustLogin(t, in)
	second := s.mustLogin(t, in)
	if first.Contexts[0].pin.Key() == second.Contexts[0].pin.Key() || len(s.stored()) != 1 {
		t.Errorf("%d credentials are kept", len(s.stored()))
	}
	if all, _ := s.tokens().All(); len(all) != 0 {
		t.Errorf("%d tokens of the login itself are left", len(all))
	}
	b, err := s.openBook(t.Context(), s.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.find(second.Contexts[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Token(t.Context(), TokenInput{Pin: c.pin, Credential: c.file})
	if err != nil {
		t.Fatal(err)
	}
	client, err := s.clientFor(c.pin)
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.Validate(t.Context(), got.Token)
	if err != nil || token.ApplicationCredential == nil || !token.ApplicationCredential.Restricted {
		t.Fatalf("%+v, %v", token, err)
	}
	if _, err := client.CreateApplicationCredential(t.Context(), token, keystone.ApplicationCredentialRequest{Name: "more"}); err == nil {
		t.Error("it makes further ones")
	}
	// A kubeconfig that cannot be written: nothing is left behind.
	at := filepath.Join(s.Dir, "kubeconfig.lock")
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	in.Pin, in.Kubeconfig, in.Command = Pin{"cloud": "mine"}, s.kubeconfig(), "kubectl-ystack"
	go func() {
		for len(s.stored()) < 2 { // made; now the writing is given up
			if ctx.Err() != nil {
				return
			}
		}
		cancel()
	}()
	if _, err := s.Login(ctx, in); err == nil {
		t.Error("wrote a kubeconfig that is locked")
	}
	cancel()
	if len(s.stored()) != 1 {
		t.Errorf("%d credentials are kept", len(s.stored()))
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	ended, err := s.Logout(t.Context(), LogoutInput{Kubeconfig: s.kubeconfig(), Context: c.name})
	if err != nil || len(ended) != 2 || len(s.stored()) != 0 {
		t.Errorf("%v, %v; kept %v", ended, err, s.stored())
	}
	_, err = client.Validate(t.Context(), got.Token)
	mustFail(t, err, keystone.ErrNotFound)
	_, err = s.Token(t.Context(), TokenInput{Pin: c.pin, Credential: c.file})
	mustFail(t, err, ErrLoggedOut, "--application-credential`")
}

// asked is a person who answers from a list, and what was asked.
type asked struct {
	labels  []string
	answers []string
}

func (a *asked) Ask(_ context.Context, label string) (string, error) {
	a.labels = append(a.labels, label)
	answer := a.answers[0]
	a.answers = a.answers[1:]
	return answer, nil
}

func (a *asked) AskSecret(ctx context.Context, label string) (keystone.Secret, error) {
	answer, err := a.Ask(ctx, "secret: "+label)
	return keystone.Secret(answer), err
}

// TestPrompts: only what is missing is asked for, in the order of a person's thoughts.
func TestPrompts(t *testing.T) {
	d := newDoor(t)
	s := testService(t, map[string]string{"OS_AUTH_URL": d.URL + "/v3"})
	writeFile(t, s.Dir, "kubeconfig", foreign)
	a := &asked{answers: []string{"bob", "", "secret-of-bob"}}
	s.Prompter = a
	r := s.mustLogin(t, Input{Pin: Pin{}})
	want := []string{"Username", "User domain name (empty: the default one)", "secret: Password for bob (domain default) at " + d.URL + "/v3"}
	if diff := cmp.Diff(want, a.labels); diff != "" {
		t.Error(diff)
	}
	// The session serves further projects; when it is gone, the password is asked for.
	s.Prompter = nil
	pin := r.Contexts[0].pin
	if err := s.tokens().Remove(pin.Key()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Token(t.Context(), TokenInput{Pin: pin}); err != nil || !strings.HasPrefix(got.Source, "login of ") {
		t.Errorf("%s, %v", got.Source, err)
	}
	for _, key := range []string{pin.Key(), pin.session()} {
		if err := s.tokens().Remove(key); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Token(t.Context(), TokenInput{Pin: pin})
	mustFail(t, err, ErrMissing, "no password for bob (domain default)", "OS_PASSWORD", "`kubectl ystack keystone-login --os-auth-url")
	b := &asked{answers: []string{"secret-of-bob"}}
	s.Prompter = b
	if got, err := s.Token(t.Context(), TokenInput{Pin: pin}); err != nil || got.Source != "entered" || len(b.labels) != 1 {
		t.Errorf("%s, %v, asked %v", got.Source, err, b.labels)
	}
}

// TestSecondFactor is asked for when Keystone wants it, though nobody said so before.
func TestSecondFactor(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "mfa", "secret-of-mfa")
	out, err := exec.CommandContext(t.Context(), "lab", "passcode", "mfa").Output()
	if err != nil {
		t.Fatal(err)
	}
	a := &asked{answers: []string{strings.TrimSpace(string(out))}}
	s.Prompter = a
	pin := s.mustLogin(t, Input{}).Contexts[0].pin
	if !slices.Equal(a.labels, []string{"secret: Passcode for mfa (domain Default) at " + d.URL + "/v3"}) {
		t.Errorf("asked %v", a.labels)
	}
	if pin["auth_type"] != keystone.AuthMultiFactor || pin["auth_methods"] != "password,totp" {
		t.Errorf("the pin is %v", pin)
	}
	if _, err := s.Token(t.Context(), TokenInput{Pin: pin}); err != nil {
		t.Error(err)
	}
}

// TestNothingIsWritten of secrets: neither in files other than the token's, nor in names.
func TestNothingIsWritten(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "alice", "secret-of-alice")
	s.mustLogin(t, Input{All: true})
	err := filepath.WalkDir(s.Dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Base(path) == "clouds.yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(path+string(data), "secret-of-alice") {
			t.Errorf("%s holds the password", path)
		}
		if strings.Contains(path, "gAAAA") || filepath.Ext(path) != ".json" && bytes.Contains(data, []byte("gAAAA")) {
			t.Errorf("%s holds a token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(s.stored()); len(s.stored()) != 0 {
		t.Errorf("%s", text)
	}
}

// TestUse: a project goes by any of its names.
func TestUse(t *testing.T) {
	d := newDoor(t)
	s := d.person(t, "alice", "secret-of-alice")
	r := s.mustLogin(t, Input{All: true})
	for name, want := range map[string]string{"team-b": "mine/team-b", "mine/team-a": "mine/team-a", r.Contexts[1].ProjectID: r.Contexts[1].Name} {
		got, err := s.Use(t.Context(), s.kubeconfig(), name)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if b, err := s.openBook(t.Context(), s.kubeconfig()); err != nil || b.config.CurrentContext != want {
			t.Errorf("current is %s, %v", b.config.CurrentContext, err)
		}
	}
	_, err := s.Use(t.Context(), s.kubeconfig(), "nosuch")
	mustFail(t, err, ErrNoProject, "`kubectl ystack keystone-login --project nosuch` adds one")
}
