package tenancy

import (
	"os"
	"testing"
)

// BenchmarkLabRead reads the Keystone that lab/bench/keystone-read.sh has filled.
func BenchmarkLabRead(b *testing.B) {
	url := os.Getenv("YSTACK_BENCH_KEYSTONE")
	if url == "" {
		b.Skip("lab/bench/keystone-read.sh sets up what this reads")
	}
	cfg := labConfig(b, "lab-system")
	cfg.AuthURL, cfg.Endpoints = url, map[string]string{"identity": url}
	s := session(b, cfg)
	for name, o := range map[string]ReadOptions{"whole": {}, "without members": {WithoutMembers: true}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				snapshot, err := Read(b.Context(), s, o)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(snapshot.Assignments)), "assignments")
			}
		})
	}
}
