package kubernetes

import "testing"

// TestNewReady: replicas of before are not counted as new ones.
func TestNewReady(t *testing.T) {
	for name, tc := range map[string]struct {
		status Status
		want   int32
	}{
		"pods seen":            {Status{Updated: 2, Available: 2, Replicas: []Replica{{Phase: Ready}, {Phase: NotReady}}}, 1},
		"not seen, all new":    {Status{Updated: 2, Available: 2}, 2},
		"not seen, one is old": {Status{Updated: 1, Available: 1, Old: 1}, 0},
		"not seen, old broken": {Status{Updated: 1, Available: 0, Old: 1}, 0},
	} {
		if got := newReady(tc.status); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
