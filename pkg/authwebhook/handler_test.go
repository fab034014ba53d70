package authwebhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func post(h http.Handler, body string) *httptest.ResponseRecorder {
	return postTo(h, PathReview, body)
}

func postTo(h http.Handler, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// reviewOf is what kube-apiserver sends.
func reviewOf(version, token string, audiences ...string) string {
	data, _ := json.Marshal(object{
		"kind": "TokenReview", "apiVersion": "authentication.k8s.io/" + version, "metadata": object{"creationTimestamp": nil},
		"spec": object{"token": token, "audiences": audiences}, "status": object{"user": object{}},
	})
	return string(data)
}

// status reads the answer to a review.
func status(t *testing.T, w *httptest.ResponseRecorder) reviewStatus {
	t.Helper()
	var r tokenReviewAnswer
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r.Status
}

func TestReviewVersions(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, nil)
	token := f.issue("alice")
	for _, version := range []string{"v1", "v1beta1"} {
		w := post(a.Handler(), reviewOf(version, token))
		var got object
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		user, _ := got["status"].(object)["user"].(object)
		if user["username"] != "keystone:alice" || user["uid"] != "id-alice" {
			t.Errorf("%s: %v", version, got)
		}
		if got["apiVersion"] != "authentication.k8s.io/"+version || got["kind"] != "TokenReview" || got["spec"] != nil {
			t.Errorf("%s: %v", version, got)
		}
	}
}

func TestNoReview(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, nil)
	good := reviewOf("v1", f.issue("alice"))
	for name, tc := range map[string]struct {
		method, kind, body string
		code               int
		want               string
	}{
		"GET":           {http.MethodGet, "application/json", "", 405, "a TokenReview comes by POST"},
		"form":          {http.MethodPost, "application/x-www-form-urlencoded", good, 415, "application/json"},
		"no type":       {http.MethodPost, "", good, 415, "application/json"},
		"protobuf":      {http.MethodPost, "application/vnd.kubernetes.protobuf", good, 415, "application/json"},
		"empty":         {http.MethodPost, "application/json", "", 400, "it ends too early"},
		"array":         {http.MethodPost, "application/json", "[]", 400, "is a array"},
		"cut":           {http.MethodPost, "application/json", good[:40], 400, "it ends too early"},
		"two":           {http.MethodPost, "application/json", good + good, 400, "goes on after the TokenReview"},
		"version":       {http.MethodPost, "application/json", strings.Replace(good, "io/v1", "io/v2", 1), 400, `apiVersion is "authentication.k8s.io/v2"; this webhook answers authentication.k8s.io/v1 and authentication.k8s.io/v1beta1`},
		"other kind":    {http.MethodPost, "application/json", strings.Replace(good, "TokenReview", "SubjectAccessReview", 1), 400, `kind is "SubjectAccessReview"; this webhook answers TokenReview`},
		"no spec":       {http.MethodPost, "application/json", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview"}`, 400, "spec.token is missing"},
		"empty token":   {http.MethodPost, "application/json", reviewOf("v1", ""), 400, "spec.token is missing"},
		"token object":  {http.MethodPost, "application/json", `{"spec":{"token":{"canary":"canary"}}}`, 400, "spec.token is a object"},
		"too long":      {http.MethodPost, "application/json", reviewOf("v1", strings.Repeat("x", maxTokenReview)), 413, "longer than 64 KiB"},
		"charset given": {http.MethodPost, "application/json; charset=utf-8", good, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, PathReview, strings.NewReader(tc.body))
			r.Header.Set("Content-Type", tc.kind)
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, r)
			if w.Code != tc.code || !strings.Contains(w.Body.String(), mustJSON(tc.want)) {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			if tc.code != 200 && !strings.Contains(w.Body.String(), `"kind":"Status"`) {
				t.Errorf("no Status: %s", w.Body)
			}
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("the body is repeated: %s", w.Body)
			}
		})
	}
}

// mustJSON is the inside of a JSON string.
func mustJSON(s string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	_ = enc.Encode(s)
	return strings.Trim(strings.TrimSpace(out.String()), `"`)
}

func TestAudiences(t *testing.T) {
	for _, tc := range []struct {
		ours, asked []string
		accepted    bool
		want        []string
	}{
		{nil, nil, true, nil},
		{nil, []string{"vault"}, true, nil}, // the API server compares with its own
		{[]string{"api"}, nil, true, nil},
		{[]string{"api", "api2"}, []string{"vault", "api2"}, true, []string{"api2"}},
		{[]string{"api"}, []string{"vault"}, false, nil},
	} {
		t.Run(fmt.Sprint(tc.ours, tc.asked), func(t *testing.T) {
			f := newFake(t)
			a, _ := start(t, f, func(o *Options) { o.Audiences = tc.ours })
			s := status(t, post(a.Handler(), reviewOf("v1", f.issue("alice"), tc.asked...)))
			if s.Authenticated != tc.accepted || !cmp.Equal(s.Audiences, tc.want) || (s.User != nil) != tc.accepted {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestOtherPaths(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, nil)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	post(a.Handler(), reviewOf("v1", f.issue("alice")))
	post(a.Handler(), reviewOf("v1", "nonsense"))
	for path, want := range map[string]string{PathHealthz: "ok\n", PathReadyz: "ok\n"} {
		if code, body := get(path); code != 200 || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	_, text := get(PathMetrics)
	for _, line := range []string{
		`ystack_auth_webhook_reviews_total{result="accepted"} 1`,
		`ystack_auth_webhook_reviews_total{result="refused"} 1`,
		`ystack_auth_webhook_tokens_total{how="not_keystone"} 1`,
		`ystack_auth_webhook_review_duration_seconds_bucket{le="+Inf"} 2`,
		`ystack_auth_webhook_review_duration_seconds_count 2`,
		`ystack_auth_webhook_cache_entries{cache="good"} 1`,
		`ystack_auth_webhook_keystone_requests_total{result="accepted"} 1`,
		`ystack_auth_webhook_keystone_requests_in_flight 0`,
		`# TYPE ystack_auth_webhook_review_duration_seconds histogram`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("metrics lack %s:\n%s", line, text)
		}
	}
	f.Close()
	c.advance(2 * freshness)
	code, body := get(PathReadyz)
	if code != 503 || !strings.Contains(body, "Keystone does not answer (last answer: 20") {
		t.Errorf("readyz without Keystone: %d %q", code, body)
	}
	if code, _ := get("/nowhere"); code != 404 {
		t.Errorf("elsewhere: %d", code)
	}
}

// The page for operators knows every metric.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/auth-webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	z := newAuthorizing(t, aliceReads("a"))
	z.opts.Namespaces = &Namespaces{}
	z.WriteMetrics(&text)
	for line := range strings.Lines(text.String()) {
		if name, ok := strings.CutPrefix(line, "# TYPE "+metricPrefix); ok && !bytes.Contains(page, []byte("`"+strings.Fields(name)[0]+"`")) {
			t.Errorf("docs/auth-webhook.md lacks %s", name)
		}
	}
}

func TestReadyzIsBounded(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, nil)
	for range 100 {
		if err := a.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	f.fail(func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "no") })
	c.advance(2 * freshness)
	for range 100 {
		if a.Ready(t.Context()) == nil {
			t.Fatal("ready")
		}
	}
	if n := f.requests.Load(); n > 3 { // the client may repeat a request that failed
		t.Errorf("%d requests", n)
	}
}
