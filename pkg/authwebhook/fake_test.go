package authwebhook

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// fakeKeystone validates tokens as Keystone does, counts, and fails on demand.
type fakeKeystone struct {
	*httptest.Server
	requests             atomic.Int64
	inFlight, mostAtOnce atomic.Int64

	mu     sync.Mutex
	tokens map[string]map[string]any
	// fault, if set, answers instead.
	fault http.HandlerFunc
	delay time.Duration
	gate  chan struct{} // if set, answers wait until it is closed
}

func newFake(t testing.TB) *fakeKeystone {
	f := &fakeKeystone{tokens: map[string]map[string]any{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeKeystone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v3/auth/tokens" {
		fmt.Fprintf(w, `{"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": "%s/v3/"}]}}`, f.URL)
		return
	}
	f.requests.Add(1)
	now := f.inFlight.Add(1)
	defer f.inFlight.Add(-1)
	for most := f.mostAtOnce.Load(); now > most && !f.mostAtOnce.CompareAndSwap(most, now); most = f.mostAtOnce.Load() {
	}
	f.mu.Lock()
	fault, delay, gate, token := f.fault, f.delay, f.gate, f.tokens[r.Header.Get("X-Subject-Token")]
	f.mu.Unlock()
	time.Sleep(delay)
	if gate != nil {
		<-gate
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case fault != nil:
		fault(w, r)
	case token == nil || r.Header.Get("X-Auth-Token") != r.Header.Get("X-Subject-Token"):
		answer(w, http.StatusUnauthorized, "The request you have made requires authentication.")
	default:
		json.NewEncoder(w).Encode(map[string]any{"token": token})
	}
}

// answer is an error as Keystone writes it.
func answer(w http.ResponseWriter, code int, message string) {
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message, "title": http.StatusText(code)}})
}

func (f *fakeKeystone) fail(h http.HandlerFunc) { f.set(func() { f.fault = h }) }

func (f *fakeKeystone) slow(d time.Duration) { f.set(func() { f.delay = d }) }

// hold keeps all answers back until release is called.
func (f *fakeKeystone) hold() (release func()) {
	gate := make(chan struct{})
	f.set(func() { f.gate = gate })
	return sync.OnceFunc(func() {
		f.set(func() { f.gate = nil })
		close(gate)
	})
}

func (f *fakeKeystone) revoke(token string) { f.set(func() { delete(f.tokens, token) }) }

func (f *fakeKeystone) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// object is a JSON object.
type object = map[string]any

// issue makes a token of a user of the default domain, scoped to a project.
func (f *fakeKeystone) issue(user string) string {
	return f.issueBody(object{
		"user":    object{"id": "id-" + user, "name": user, "domain": object{"id": "default", "name": "Default"}},
		"project": object{"id": "p1", "name": "team-a", "domain": object{"id": "default", "name": "Default"}},
		"roles":   []object{{"id": "r1", "name": "member"}},
	}, time.Hour)
}

func (f *fakeKeystone) issueBody(body object, life time.Duration) string {
	token := fernetToken()
	body["methods"] = []string{"password"}
	body["audit_ids"] = []string{"a"}
	body["issued_at"] = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	body["expires_at"] = time.Now().Add(life).UTC().Format("2006-01-02T15:04:05.000000Z")
	f.set(func() { f.tokens[token] = body })
	return token
}

// fernetToken is random, of the form that Keystone's have.
func fernetToken() string {
	raw := make([]byte, fernetOverhead+5*fernetBlock)
	if _, err := rand.Read(raw); err != nil {
		panic(err)
	}
	raw[0] = fernetVersion
	binary.BigEndian.PutUint64(raw[1:], uint64(time.Now().Unix()))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// jwt is a token as service accounts and identity providers have.
func jwt(claims object) string {
	part := func(v any) string {
		data, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return part(object{"alg": "ES256", "typ": "JWT"}) + "." + part(claims) + ".c2lnbmF0dXJl"
}

// clock is moved by the test.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// start makes an Authenticator on the fake.
func start(t testing.TB, f *fakeKeystone, change func(*Options)) (*Authenticator, *clock) {
	t.Helper()
	client, err := keystone.NewClient(&keystone.Config{AuthURL: f.URL + "/v3"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	if change != nil {
		change(&o)
	}
	a, err := New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	c := &clock{}
	a.now = c.now
	return a, c
}
