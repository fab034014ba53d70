package abac

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"k8s.io/apiserver/pkg/authorization/authorizer"
	upstream "k8s.io/kubernetes/pkg/auth/authorizer/abac"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

const lines = 100_000

// tenants is what a cloud with 2,500 projects makes: 40 lines each, of which a member has
// 20 to write and a reader 20 to read.
func tenants(b *testing.B) []byte {
	var rules []abac.Rule
	for p := range lines / 40 {
		for n := range 40 {
			r := abac.Rule{Group: fmt.Sprintf("keystone:project:%032x:role:member", p), Namespace: fmt.Sprintf("project-%d", p), Resource: fmt.Sprintf("resource%d", n%20), APIGroup: "example.dev"}
			if n >= 20 {
				r.Group, r.Readonly = fmt.Sprintf("keystone:project:%032x:role:reader", p), true
			}
			rules = append(rules, r)
		}
	}
	data, err := abac.Encode(rules)
	if err != nil || bytes.Count(data, []byte("\n")) != lines {
		b.Fatal(err)
	}
	return data
}

// asked are requests of a user with ten groups: allowed by the first, the middle, the last line, and by none.
func asked() map[string]abac.Request {
	request := func(project int) abac.Request {
		q := abac.Request{User: "keystone:alice", Verb: "update", IsResource: true, Namespace: fmt.Sprintf("project-%d", project), APIGroup: "example.dev", Resource: "resource19"}
		for g := range 9 {
			q.Groups = append(q.Groups, fmt.Sprintf("keystone:project:%032x:role:on-call", g))
		}
		q.Groups = append(q.Groups, fmt.Sprintf("keystone:project:%032x:role:member", project), "system:authenticated")
		return q
	}
	miss := request(1250)
	miss.Resource = "secrets"
	return map[string]abac.Request{"first": request(0), "middle": request(1250), "last": request(2499), "none": miss}
}

func BenchmarkAuthorize(b *testing.B) {
	data := tenants(b)
	path := filepath.Join(b.TempDir(), "policy.jsonl")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	theirs, err := upstream.NewFromFile(path)
	if err != nil {
		b.Fatal(err)
	}
	ours, err := abac.Load(path)
	if err != nil {
		b.Fatal(err)
	}
	for name, q := range asked() {
		want := name != "none"
		b.Run("ystack/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ours.Authorize(q).Allowed != want {
					b.Fatal(q)
				}
			}
		})
		b.Run("upstream/"+name, func(b *testing.B) {
			b.ReportAllocs()
			a := attributes(q)
			for b.Loop() {
				if d, _, _ := theirs.Authorize(b.Context(), a); (d == authorizer.DecisionAllow) != want {
					b.Fatal(q)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "policy.jsonl")
	if err := os.WriteFile(path, tenants(b), 0o600); err != nil {
		b.Fatal(err)
	}
	load := map[string]func() (any, error){
		"ystack":   func() (any, error) { return abac.Load(path) },
		"upstream": func() (any, error) { return upstream.NewFromFile(path) },
	}
	for name, load := range load {
		b.Run(name, func(b *testing.B) {
			var policy any
			before := heap()
			for b.Loop() {
				policy = nil
				var err error
				if policy, err = load(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(heap()-before)/1e6, "MB-kept")
			runtime.KeepAlive(policy)
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
