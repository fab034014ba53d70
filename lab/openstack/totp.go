package openstack

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// Passcode is the one-time password of RFC 6238 for a seed, as an
// authenticator app shows it: six digits, another each 30 seconds.
func Passcode(seed string, now time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		return "", fmt.Errorf("seed of one-time passwords: %w", err)
	}
	sum := hmac.New(sha1.New, key)
	_ = binary.Write(sum, binary.BigEndian, now.Unix()/30) // a hash takes everything
	digest := sum.Sum(nil)
	offset := digest[len(digest)-1] & 0xf
	code := binary.BigEndian.Uint32(digest[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", code%1_000_000), nil
}

// PasscodeOf is the passcode of a user of the lab.
func PasscodeOf(name string, now time.Time) (string, error) {
	for _, u := range users() {
		if u.Seed != "" && u.Name == name {
			return Passcode(u.Seed, now)
		}
	}
	return "", fmt.Errorf("user %q has no one-time passwords; totp and mfa have", name)
}
