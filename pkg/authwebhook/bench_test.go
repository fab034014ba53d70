package authwebhook

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// BenchmarkReview is a whole review but for TLS and the network.
func BenchmarkReview(b *testing.B) {
	b.Run("cached", func(b *testing.B) {
		f := newFake(b)
		a, _ := start(b, f, nil)
		h, body := a.Handler(), reviewOf("v1", f.issue("alice"))
		b.ReportAllocs()
		for b.Loop() {
			post(h, body)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reviews/s")
	})
	b.Run("jwt", func(b *testing.B) {
		f := newFake(b)
		a, _ := start(b, f, nil)
		h, body := a.Handler(), reviewOf("v1", jwt(object{"iss": "https://kubernetes.default.svc", "sub": "x"}))
		for b.Loop() {
			post(h, body)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reviews/s")
	})
	b.Run("uncached", func(b *testing.B) {
		f := newFake(b)
		a, _ := start(b, f, nil)
		h, token := a.Handler(), f.issue("alice")
		body, k := reviewOf("v1", token), a.key(token)
		for b.Loop() {
			a.good.remove(k)
			post(h, body)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reviews/s")
	})
}

// BenchmarkAccessReview is a whole one, from a file of 100,000 lines.
func BenchmarkAccessReview(b *testing.B) {
	var policy strings.Builder
	for i := range 100_000 {
		policy.WriteString(lines(fmt.Sprintf(`{"group":"keystone:project:%d:role:member","namespace":"project-%[1]d","resource":"resource-%d"}`, i/40, i%40)))
	}
	file := filepath.Join(b.TempDir(), "policy.jsonl")
	put(b, file, policy.String())
	a, _ := start(b, newFake(b), func(o *Options) { o.PolicyFile = file })
	h, body := a.Handler(), accessOf("v1", abac.Request{
		User: "keystone:alice", Groups: []string{"keystone:project:2499", "keystone:project:2499:role:member", "system:authenticated"},
		Verb: "update", IsResource: true, Namespace: "project-2499", Resource: "resource-39",
	})
	b.ReportAllocs()
	for b.Loop() {
		postTo(h, PathAccess, body)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reviews/s")
}
