package authwebhook

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/ystackdev/ystack/pkg/exposition"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// authorizer answers SubjectAccessReviews from a policy file. It allows, or has no
// opinion: what other authorizers allow it does not deny.
type authorizer struct {
	file    *policyFile
	log     *slog.Logger
	reviews reviews
}

func newAuthorizer(path string, log *slog.Logger) (*authorizer, error) {
	file, err := openPolicy(path, log)
	if err != nil {
		return nil, err
	}
	return &authorizer{file: file, log: log}, nil
}

func (z *authorizer) reply(w http.ResponseWriter, r *http.Request) reply {
	reply := z.answer(w, r)
	reply.counted = &z.reviews
	return reply
}

func (z *authorizer) answer(w http.ResponseWriter, r *http.Request) reply {
	review, failure := read(w, r, kindAccessReview, maxAccessReview, parseAccessReview)
	if failure != nil {
		z.log.Warn("not a SubjectAccessReview", "from", r.RemoteAddr, "status", failure.code, "error", failure.body.(failureStatus).Message)
		return *failure
	}
	q := review.request()
	status, result := z.decide(q)
	return reply{
		result: result, code: http.StatusOK, body: review.answer(status),
		about: []any{"user", q.User, "verb", q.Verb, "namespace", q.Namespace, "group", q.APIGroup, "resource", q.Resource, "path", q.Path, "reason", status.Reason},
	}
}

// decide tells which line allows the request. The API server puts the reason into its
// audit log, and into the answers of SelfSubjectAccessReviews.
func (z *authorizer) decide(q abac.Request) (accessStatus, int) {
	policy := z.file.current().policy
	d := policy.Authorize(q)
	if !d.Allowed {
		return accessStatus{}, resultNoOpinion
	}
	i, _ := slices.BinarySearchFunc(policy.Rules, d.Line, func(r abac.Rule, line int) int { return r.Line - line })
	return accessStatus{Allowed: true, Reason: fmt.Sprintf("line %d of the policy file: %s", d.Line, policy.Rules[i])}, resultAllowed
}

// detail is a line for people who look at /readyz.
func (z *authorizer) detail() string {
	s := z.file.current()
	of := s.read.UTC().Format(time.RFC3339)
	if s.problem != nil {
		return fmt.Sprintf("policy: the file is not used (%v); the %d rules of %s stay in force", s.problem, len(s.policy.Rules), of)
	}
	return fmt.Sprintf("policy: %d rules of %s", len(s.policy.Rules), of)
}

func (z *authorizer) writeMetrics(e metricsWriter) {
	s, stale := z.file.current(), 0.0
	if s.problem != nil {
		stale = 1
	}
	e.byResult("access_reviews_total", "SubjectAccessReviews answered.", &z.reviews.byResult, ofAccess)
	e.histogram("access_review_duration_seconds", "Time to answer a SubjectAccessReview.", &z.reviews.latency)
	e.Single("policy_rules", "Rules of the policy in force.", "gauge", float64(len(s.policy.Rules)))
	e.Single("policy_read_timestamp_seconds", "When the policy in force was read.", "gauge", exposition.Unix(s.read))
	e.Single("policy_stale", "1 while the policy file cannot be used, and the policy read before stays in force.", "gauge", stale)
}
