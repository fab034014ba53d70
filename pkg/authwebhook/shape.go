package authwebhook

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// maxToken is longer than any token of Keystone's: a Fernet one of a federated user in
// many groups has some hundred bytes, a JWS one about a thousand.
const maxToken = 4096

// A Fernet token is version, time, initialisation vector, ciphertext in blocks of the
// cipher and a MAC; Keystone sends it in base64url and leaves the padding away.
const (
	fernetVersion  = 0x80
	fernetOverhead = 1 + 8 + 16 + 32
	fernetBlock    = 16
)

// keystoneToken tells whether Keystone may have issued the token. Most of what an API
// server sees besides are JWTs of service accounts and identity providers; asking about
// them would cost Keystone a request each, and show it credentials that are not its own.
func keystoneToken(token string, jws bool, now time.Time) bool {
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // which base64 would skip
		return false
	}
	if strings.Contains(token, ".") {
		return jws && keystoneJWS(token, now)
	}
	return fernet(token)
}

func fernet(token string) bool {
	// The version byte and the first bits of a time before the year 2106.
	if !strings.HasPrefix(token, "gAAAAA") {
		return false
	}
	var buf [maxToken]byte
	raw, err := base64.RawURLEncoding.Strict().AppendDecode(buf[:0], []byte(token))
	return err == nil && len(raw) > fernetOverhead && raw[0] == fernetVersion && (len(raw)-fernetOverhead)%fernetBlock == 0
}

// keystoneJWS tells Keystone's own JWTs from all others. Keystone writes sub, iat, exp and
// openstack_… claims, and neither issuer nor audience, which service accounts' and
// OpenID Connect's tokens must have. The signature is Keystone's to verify.
func keystoneJWS(token string, now time.Time) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" {
		return false
	}
	var header struct{ Alg string }
	var claims struct {
		Iss, Aud json.RawMessage
		Sub      string
		Exp      float64
		Methods  json.RawMessage `json:"openstack_methods"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return false
	}
	return header.Alg != "" && header.Alg != "none" && claims.Iss == nil && claims.Aud == nil &&
		claims.Sub != "" && claims.Methods != nil && claims.Exp > float64(now.Unix())
}

func decodePart(part string, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(data, into) == nil
}
