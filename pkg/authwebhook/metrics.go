package authwebhook

import (
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// The results that metrics tell apart. They are all the values that labels ever have.
const (
	resultAccepted = iota
	resultRefused
	resultForbidden
	resultError
	resultBusy
	resultInvalid
	resultAllowed
	resultNoOpinion
	results
)

var resultNames = [results]string{"accepted", "refused", "forbidden", "error", "busy", "invalid", "allowed", "no_opinion"}

// Those that TokenReviews and requests to Keystone can have, and SubjectAccessReviews.
var (
	ofTokens = []int{resultAccepted, resultRefused, resultForbidden, resultError, resultBusy, resultInvalid}
	ofAccess = []int{resultAllowed, resultNoOpinion, resultInvalid}
)

// byResult counts per result.
type byResult [results]atomic.Uint64

func (c *byResult) add(result int) { c[result].Add(1) }

// buckets reach from an answer out of memory to a Keystone that stalls; seconds.
var buckets = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// histogram counts durations. The last bucket is all that is longer.
type histogram struct {
	counts [len(buckets) + 1]atomic.Uint64
	nanos  atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i, s := 0, d.Seconds()
	for i < len(buckets) && s > buckets[i] {
		i++
	}
	h.counts[i].Add(1)
	h.nanos.Add(int64(d))
}

// reviews counts and times answers to reviews.
type reviews struct {
	byResult byResult
	latency  histogram
}

// metrics are few and of fixed labels, so they are written by hand: the Prometheus client
// library would make the binary a tenth bigger.
type metrics struct {
	reviews         reviews
	inFlight        atomic.Int64
	shape           atomic.Uint64
	hitGood, hitBad atomic.Uint64
	misses          atomic.Uint64
	keystone        byResult
	keystoneLatency histogram
	certExpiry      atomic.Int64
}

func newMetrics() *metrics { return &metrics{} }

const metricPrefix = "ystack_auth_webhook_"

// WriteMetrics writes the metrics in Prometheus' text format.
func (a *Authenticator) WriteMetrics(w io.Writer) {
	m := a.metrics
	e := exposition{w}
	e.byResult("reviews_total", "TokenReviews answered.", &m.reviews.byResult, ofTokens)
	e.histogram("review_duration_seconds", "Time to answer a TokenReview.", &m.reviews.latency)
	e.gauge("reviews_in_flight", "Reviews being answered.", float64(m.inFlight.Load()))
	e.head("tokens_total", "Tokens by how they were recognised: by their form, from memory, or not.", "counter")
	e.sample("tokens_total", `how="not_keystone"`, m.shape.Load())
	e.sample("tokens_total", `how="known_good"`, m.hitGood.Load())
	e.sample("tokens_total", `how="known_bad"`, m.hitBad.Load())
	e.sample("tokens_total", `how="unknown"`, m.misses.Load())
	e.head("cache_entries", "Tokens remembered.", "gauge")
	e.sample("cache_entries", `cache="good"`, uint64(a.good.len()))
	e.sample("cache_entries", `cache="bad"`, uint64(a.bad.len()))
	e.byResult("keystone_requests_total", "What came of wanting to ask Keystone about a token; busy was not asked.", &m.keystone, ofTokens)
	e.histogram("keystone_request_duration_seconds", "Time that Keystone takes to validate a token.", &m.keystoneLatency)
	e.gauge("keystone_requests_in_flight", "Requests to Keystone under way.", float64(a.limit.inFlight()))
	e.gauge("keystone_requests_waiting", "Tokens that wait for a request to Keystone.", float64(a.limit.waiting.Load()))
	e.gauge("keystone_last_answer_timestamp_seconds", "When Keystone last answered, 0 for never.", seconds(a.health.lastAnswer()))
	e.gauge("certificate_expiry_timestamp_seconds", "When the serving certificate expires.", float64(m.certExpiry.Load()))
	if a.authorizer != nil {
		a.authorizer.writeMetrics(e)
	}
	if a.opts.Namespaces != nil {
		a.opts.Namespaces.writeMetrics(e)
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// exposition writes Prometheus' text format.
type exposition struct{ w io.Writer }

func (e exposition) head(name, help, kind string) {
	fmt.Fprintf(e.w, "# HELP %[1]s%[2]s %[3]s\n# TYPE %[1]s%[2]s %[4]s\n", metricPrefix, name, help, kind)
}

func (e exposition) sample(name, labels string, n uint64) {
	fmt.Fprintf(e.w, "%s%s{%s} %d\n", metricPrefix, name, labels, n)
}

func (e exposition) gauge(name, help string, value float64) {
	e.head(name, help, "gauge")
	fmt.Fprintf(e.w, "%s%s %s\n", metricPrefix, name, number(value))
}

func (e exposition) byResult(name, help string, c *byResult, possible []int) {
	e.head(name, help, "counter")
	for _, result := range possible {
		e.sample(name, `result="`+resultNames[result]+`"`, c[result].Load())
	}
}

func (e exposition) histogram(name, help string, h *histogram) {
	e.head(name, help, "histogram")
	var sum uint64
	for i := range h.counts {
		sum += h.counts[i].Load()
		le := "+Inf"
		if i < len(buckets) {
			le = number(buckets[i])
		}
		e.sample(name+"_bucket", `le="`+le+`"`, sum)
	}
	fmt.Fprintf(e.w, "%s%s_sum %s\n%[1]s%[2]s_count %[4]d\n", metricPrefix, name, number(time.Duration(h.nanos.Load()).Seconds()), sum)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
