package authwebhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// tokenReview is authentication.k8s.io/v1 and v1beta1, which do not differ, as far as
// it is needed here. The API's own package would bring the machinery of all its types.
type tokenReview struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Spec       *tokenReviewSpec `json:"spec"`
}

type tokenReviewSpec struct {
	Token     string   `json:"token"`
	Audiences []string `json:"audiences"`
}

// tokenReviewAnswer has no spec: that holds the token.
type tokenReviewAnswer struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Status     reviewStatus `json:"status"`
}

type reviewStatus struct {
	Authenticated bool      `json:"authenticated"`
	User          *userInfo `json:"user,omitempty"`
	Audiences     []string  `json:"audiences,omitempty"`
	Error         string    `json:"error,omitempty"`
}

type userInfo struct {
	Username string              `json:"username"`
	UID      string              `json:"uid,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Extra    map[string][]string `json:"extra,omitempty"`
}

const (
	group           = "authentication.k8s.io/"
	versionV1       = group + "v1"
	versionV1Beta1  = group + "v1beta1"
	kindTokenReview = "TokenReview"
)

// errReview is a request that is no TokenReview. Its message holds nothing of the body
// but the names of kind and version.
type errReview struct{ error }

func badReview(format string, args ...any) error { return errReview{fmt.Errorf(format, args...)} }

// parseReview reads a request of the API server's.
func parseReview(body []byte) (*tokenReview, error) {
	var r tokenReview
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&r); err != nil {
		return nil, badReview("the body is no JSON object of a TokenReview: %s", position(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badReview("the body goes on after the TokenReview")
	}
	if r.APIVersion != versionV1 && r.APIVersion != versionV1Beta1 {
		return nil, badReview("apiVersion is %.64q; this webhook answers %s and %s", r.APIVersion, versionV1, versionV1Beta1)
	}
	if r.Kind != kindTokenReview {
		return nil, badReview("kind is %.64q; this webhook answers %s", r.Kind, kindTokenReview)
	}
	if r.Spec == nil || r.Spec.Token == "" {
		return nil, badReview("spec.token is missing")
	}
	return &r, nil
}

// position tells where JSON went wrong without repeating what is there, which may be
// a token.
func position(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("invalid at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("%s is a %s", strings.TrimPrefix(kind.Field, "."), kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return "unreadable"
}

// answer is the review's, in its version.
func (r *tokenReview) answer(s reviewStatus) tokenReviewAnswer {
	return tokenReviewAnswer{APIVersion: r.APIVersion, Kind: r.Kind, Status: s}
}

func userOf(id keystone.Identity) *userInfo {
	return &userInfo{Username: id.Username, UID: id.UID, Groups: id.Groups, Extra: id.Extra}
}
