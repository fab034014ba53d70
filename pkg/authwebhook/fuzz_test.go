package authwebhook

import (
	"net/http"
	"strings"
	"testing"
)

// Whatever comes, the answer is a review's or a Status, and nobody is let in whose token
// Keystone does not know.
func FuzzTokenReview(f *testing.F) {
	fake := newFake(f)
	a, _ := start(f, fake, func(o *Options) { o.BadBurst = 1 << 30; o.JWS = true })
	good := fake.issue("alice")
	f.Add(reviewOf("v1", fernetToken(), "a", "b"))
	f.Add(reviewOf("v1beta1", good))
	f.Add(reviewOf("v1", jwt(object{"sub": "a", "exp": 9999999999, "openstack_methods": []string{"x"}})))
	f.Add(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"x"},"spec":{"token":"y"}}`)
	f.Add(`{"kind":1}`)
	f.Add(`[[[[`)
	f.Add("\xff\xfe")
	h := a.Handler()
	f.Fuzz(func(t *testing.T, body string) {
		w := post(h, body)
		switch w.Code {
		case http.StatusOK:
			s := status(t, w)
			if s.Authenticated && !strings.Contains(body, good) {
				t.Errorf("let in: %s", w.Body)
			}
			if s.Authenticated != (s.User != nil) {
				t.Errorf("%s", w.Body)
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add(fernetToken())
	f.Add("a.b.c")
	f.Add(jwt(object{"sub": "a"}))
	f.Fuzz(func(t *testing.T, token string) {
		now := (&clock{}).now()
		if keystoneToken(token, false, now) && !keystoneToken(token, true, now) {
			t.Error("with --jws Fernet tokens are not taken")
		}
		if keystoneToken(token, true, now) {
			for _, c := range token {
				if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", c) {
					t.Errorf("%q would go into a header", c)
				}
			}
		}
	})
}
