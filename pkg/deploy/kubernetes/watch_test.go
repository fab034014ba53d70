package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/kube"
)

// fakeServer is for what a real API server does too seldom to wait for.
func fakeServer(t *testing.T, handler http.HandlerFunc) *Deployer {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "config")
	content := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: %q}}]\nusers: [{name: u, user: {}}]\n", server.URL)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, &clientcmd.ConfigOverrides{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return &Deployer{Client: client}
}

// TestFollow: a version that is too old makes for a new list, a connection that
// ends for another watch from where it stopped.
func TestFollow(t *testing.T) {
	const podJSON = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s","uid":"%s","resourceVersion":"%d"}}`
	var lists, watches atomic.Int32
	d := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" {
			n := lists.Add(1)
			if n == 2 {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			fmt.Fprintf(w, `{"apiVersion":"v1","kind":"PodList","metadata":{"resourceVersion":"%d0"},"items":[`+podJSON+`]}`, n, "listed", "1", n)
			return
		}
		from := r.URL.Query().Get("resourceVersion")
		switch watches.Add(1) {
		case 1: // brings one, and ends
			if from != "10" {
				t.Errorf("first watch from %s", from)
			}
			fmt.Fprintf(w, `{"type":"MODIFIED","object":`+podJSON+`}`, "changed", "1", 11)
			fmt.Fprint(w, `{"type":"BOOKMARK","object":{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"15"}}}`)
		case 2: // goes on after the bookmark, and is told that this is too old
			if from != "15" {
				t.Errorf("second watch from %s", from)
			}
			fmt.Fprint(w, `{"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Expired","code":410}}`)
		default:
			if from != "30" {
				t.Errorf("third watch from %s", from)
			}
			fmt.Fprintf(w, `{"type":"DELETED","object":`+podJSON+`}`, "gone", "1", 31)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []string
	s := source{resource: resourceOf("", "pods"), api: d.in(resourceOf("", "pods"), "x"), options: metav1.ListOptions{}}
	s.follow(ctx, func(n news) {
		switch {
		case n.err != nil:
			got = append(got, "error")
		case n.full:
			got = append(got, fmt.Sprintf("list of %d", len(n.all)))
		case n.deleted:
			got = append(got, "deleted "+n.one.GetName())
			cancel()
		default:
			got = append(got, n.one.GetName())
		}
	})
	if text := strings.Join(got, ", "); text != "list of 1, changed, error, list of 1, deleted gone" {
		t.Error(text)
	}
}

func TestOutcome(t *testing.T) {
	tests := []struct {
		code int
		body string
		want Outcome
	}{
		{200, "hello", Answered},
		{404, "no page", Answered},
		{503, `{"error":"application is starting"}`, Answered},
		{503, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no endpoints available for service \"x\""}`, NoEndpoints},
		{503, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"error trying to reach service: dial tcp"}`, NoAnswer},
		{403, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"services \"x\" is forbidden"}`, Forbidden},
	}
	for _, test := range tests {
		if got := outcome(&http.Response{StatusCode: test.code}, []byte(test.body)); got.Outcome != test.want {
			t.Errorf("%d %s: %s, want %s", test.code, test.body, got.Outcome, test.want)
		}
	}
}

func TestAddress(t *testing.T) {
	tests := []struct {
		host string
		port servicePort
		want string
	}{
		{"10.0.0.1", servicePort{Port: 80}, "http://10.0.0.1"},
		{"10.0.0.1", servicePort{Name: "http", Port: 8080}, "http://10.0.0.1:8080"},
		{"10.0.0.1", servicePort{Name: "https", Port: 443}, "https://10.0.0.1"},
		{"fd00::1", servicePort{Port: 80}, "http://[fd00::1]"},
		{"fd00::1", servicePort{Port: 81}, "http://[fd00::1]:81"},
		{"10.0.0.1", servicePort{Name: "postgres", Port: 5432}, "tcp://10.0.0.1:5432"},
		{"10.0.0.1", servicePort{Name: "dns", Port: 53, Protocol: "UDP"}, "udp://10.0.0.1:53"},
	}
	for _, test := range tests {
		if got := address(test.host, test.port); got != test.want {
			t.Errorf("%s %+v: %s, want %s", test.host, test.port, got, test.want)
		}
	}
}
