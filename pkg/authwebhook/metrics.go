package authwebhook

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/ystackdev/ystack/pkg/exposition"
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

// metrics are few and of fixed labels.
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
	e := metricsWriter{exposition.Writer{To: w, Prefix: metricPrefix}}
	e.byResult("reviews_total", "TokenReviews answered.", &m.reviews.byResult, ofTokens)
	e.histogram("review_duration_seconds", "Time to answer a TokenReview.", &m.reviews.latency)
	e.Single("reviews_in_flight", "Reviews being answered.", "gauge", float64(m.inFlight.Load()))
	e.Head("tokens_total", "Tokens by how they were recognised: by their form, from memory, or not.", "counter")
	e.Sample("tokens_total", `how="not_keystone"`, float64(m.shape.Load()))
	e.Sample("tokens_total", `how="known_good"`, float64(m.hitGood.Load()))
	e.Sample("tokens_total", `how="known_bad"`, float64(m.hitBad.Load()))
	e.Sample("tokens_total", `how="unknown"`, float64(m.misses.Load()))
	e.Head("cache_entries", "Tokens remembered.", "gauge")
	e.Sample("cache_entries", `cache="good"`, float64(uint64(a.good.len())))
	e.Sample("cache_entries", `cache="bad"`, float64(uint64(a.bad.len())))
	e.byResult("keystone_requests_total", "What came of wanting to ask Keystone about a token; busy was not asked.", &m.keystone, ofTokens)
	e.histogram("keystone_request_duration_seconds", "Time that Keystone takes to validate a token.", &m.keystoneLatency)
	e.Single("keystone_requests_in_flight", "Requests to Keystone under way.", "gauge", float64(a.limit.inFlight()))
	e.Single("keystone_requests_waiting", "Tokens that wait for a request to Keystone.", "gauge", float64(a.limit.waiting.Load()))
	e.Single("keystone_last_answer_timestamp_seconds", "When Keystone last answered, 0 for never.", "gauge", exposition.Unix(a.health.lastAnswer()))
	e.Single("certificate_expiry_timestamp_seconds", "When the serving certificate expires.", "gauge", float64(m.certExpiry.Load()))
	if a.authorizer != nil {
		a.authorizer.writeMetrics(e)
	}
	if a.opts.Namespaces != nil {
		a.opts.Namespaces.writeMetrics(e)
	}
}

// metricsWriter knows this package's own counters, too.
type metricsWriter struct{ exposition.Writer }

func (e metricsWriter) byResult(name, help string, c *byResult, possible []int) {
	e.Head(name, help, "counter")
	for _, result := range possible {
		e.Sample(name, `result="`+resultNames[result]+`"`, float64(c[result].Load()))
	}
}

func (e metricsWriter) histogram(name, help string, h *histogram) {
	counts := make([]uint64, len(h.counts))
	for i := range h.counts {
		counts[i] = h.counts[i].Load()
	}
	e.Histogram(name, help, buckets[:], counts, time.Duration(h.nanos.Load()).Seconds())
}
