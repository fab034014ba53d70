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

// maxTokenReview is enough for the longest token and many audiences.
const maxTokenReview = 64 << 10

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
	tokenGroup      = "authentication.k8s.io/"
	kindTokenReview = "TokenReview"
)

// parseReview reads a request of the API server's.
func parseReview(body []byte) (*tokenReview, error) {
	var r tokenReview
	if err := decodeReview(body, kindTokenReview, &r); err != nil {
		return nil, err
	}
	if err := checkKind(r.APIVersion, r.Kind, tokenGroup, kindTokenReview); err != nil {
		return nil, err
	}
	if r.Spec == nil || r.Spec.Token == "" {
		return nil, errors.New("spec.token is missing")
	}
	return &r, nil
}

// decodeReview reads one object. Its errors hold nothing of the body but the names of
// kind and version.
func decodeReview(body []byte, kind string, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the body is no JSON object of a %s: %s", kind, position(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the body goes on after the %s", kind)
	}
	return nil
}

// checkKind turns away what is of another version or kind than is answered here.
func checkKind(version, kind, group, want string) error {
	if version != group+"v1" && version != group+"v1beta1" {
		return fmt.Errorf("apiVersion is %.64q; this webhook answers %sv1 and %[2]sv1beta1", version, group)
	}
	if kind != want {
		return fmt.Errorf("kind is %.64q; this webhook answers %s", kind, want)
	}
	return nil
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
