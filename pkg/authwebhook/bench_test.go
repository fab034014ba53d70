package authwebhook

import (
	"testing"
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
