// Package exposition writes metrics in Prometheus' text format, and serves them beside the
// health of what runs for ever. The client library would
// do it too, and make the binary a tenth bigger.
package exposition

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Writer writes metrics whose names begin with a prefix.
type Writer struct {
	To     io.Writer
	Prefix string
}

// Head begins a metric of a kind: counter, gauge or histogram.
func (w Writer) Head(name, help, kind string) {
	fmt.Fprintf(w.To, "# HELP %[1]s%[2]s %[3]s\n# TYPE %[1]s%[2]s %[4]s\n", w.Prefix, name, help, kind)
}

// Sample is one value. Labels are as they stand between braces: `result="accepted"`; there
// may be none.
func (w Writer) Sample(name, labels string, value float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(w.To, "%s%s%s %s\n", w.Prefix, name, labels, number(value))
}

// Single is a metric of one value.
func (w Writer) Single(name, help, kind string, value float64) {
	w.Head(name, help, kind)
	w.Sample(name, "", value)
}

// Histogram is one whose buckets, in seconds, have counts; the last of these is all that is
// longer. The sum is in seconds, too.
func (w Writer) Histogram(name, help string, buckets []float64, counts []uint64, sum float64) {
	w.Head(name, help, "histogram")
	var n uint64
	for i, count := range counts {
		n += count
		le := "+Inf"
		if i < len(buckets) {
			le = number(buckets[i])
		}
		w.Sample(name+"_bucket", `le="`+le+`"`, float64(n))
	}
	w.Sample(name+"_sum", "", sum)
	w.Sample(name+"_count", "", float64(n))
}

// Unix is a moment as metrics have it: seconds, and 0 for never.
func Unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// number has all digits of whole numbers, for counters grow large.
func number(f float64) string {
	if f == float64(int64(f)) {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
