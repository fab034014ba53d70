package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strings"
)

// The headers of a delivery. Registries that are compatible with GitHub's hooks send these too.
const (
	headerEvent     = "X-Github-Event"
	headerDelivery  = "X-Github-Delivery"
	headerSignature = "X-Hub-Signature-256"
	headerSHA1      = "X-Hub-Signature"
)

// Secret is what both ends of a hook know. It does not print.
type Secret struct{ value []byte }

// ErrEmptySecret is refused wherever a secret is configured: everybody can sign with it.
var ErrEmptySecret = errors.New("the hook's secret is empty, so that everybody could send pushes; set one")

// NewSecret takes the secret as people write it into a file: white space around it does not count.
func NewSecret(text string) (Secret, error) {
	value := strings.TrimSpace(text)
	if value == "" {
		return Secret{}, ErrEmptySecret
	}
	return Secret{[]byte(value)}, nil
}

// String keeps the secret out of logs and errors.
func (Secret) String() string { return "(secret)" }

func (s Secret) hash() hash.Hash { return hmac.New(sha256.New, s.value) }

// signature is the header's value for a message.
func (s Secret) signature(message string) string {
	h := s.hash()
	h.Write([]byte(message))
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// wantedSum is the sum that a request claims.
func wantedSum(header http.Header) ([]byte, error) {
	value, ok := strings.CutPrefix(header.Get(headerSignature), "sha256=")
	sum, err := hex.DecodeString(value)
	switch {
	case header.Get(headerSignature) == "" && header.Get(headerSHA1) != "":
		return nil, errors.New("only a SHA-1 signature came; X-Hub-Signature-256 is needed")
	case header.Get(headerSignature) == "":
		return nil, errors.New("no signature: set the hook's secret in the code registry")
	case !ok || err != nil || len(sum) != sha256.Size:
		return nil, errors.New("X-Hub-Signature-256 is not sha256= and 64 hexadecimal digits")
	}
	return sum, nil
}
