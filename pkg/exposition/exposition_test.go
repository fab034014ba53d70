package exposition

import (
	"strings"
	"testing"
	"time"
)

func TestWriter(t *testing.T) {
	var b strings.Builder
	w := Writer{&b, "x_"}
	w.Head("a_total", "All of a.", "counter")
	w.Sample("a_total", `kind="one"`, 12_345_678_901)
	w.Single("b_seconds", "How long.", "gauge", 0.25)
	w.Histogram("c_seconds", "Durations.", []float64{.1, 1}, []uint64{1, 0, 2}, 5.5)
	want := `# HELP x_a_total All of a.
# TYPE x_a_total counter
x_a_total{kind="one"} 12345678901
# HELP x_b_seconds How long.
# TYPE x_b_seconds gauge
x_b_seconds 0.25
# HELP x_c_seconds Durations.
# TYPE x_c_seconds histogram
x_c_seconds_bucket{le="0.1"} 1
x_c_seconds_bucket{le="1"} 1
x_c_seconds_bucket{le="+Inf"} 3
x_c_seconds_sum 5.5
x_c_seconds_count 3
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	if Unix(time.Time{}) != 0 || Unix(time.UnixMilli(1500)) != 1.5 {
		t.Error("moments")
	}
}
