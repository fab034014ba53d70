package authwebhook

import (
	"strings"
	"testing"
	"time"
)

func TestKeystoneToken(t *testing.T) {
	exp := time.Now().Add(time.Hour).Unix()
	jws := object{"sub": "u1", "exp": exp, "iat": 1, "openstack_methods": []string{"password"}, "openstack_audit_ids": []string{"a"}}
	serviceAccount := object{"iss": "https://kubernetes.default.svc", "aud": []string{"x"}, "sub": "system:serviceaccount:a:b", "exp": exp}
	forged := object{"iss": "https://issuer.example", "sub": "u1", "exp": exp, "openstack_methods": []string{"password"}}
	expired := object{"sub": "u1", "exp": 1, "openstack_methods": []string{"password"}}
	for name, tc := range map[string]struct {
		token    string
		fernet   bool // may be one where Keystone issues Fernet tokens
		jwsGiven bool // … and where it issues JWS tokens
	}{
		"fernet":                 {fernetToken(), true, true},
		"fernet, padded":         {fernetToken() + "=", false, false},
		"fernet, cut":            {fernetToken()[:100], false, false},
		"fernet, other version":  {"hAAAAA" + fernetToken()[6:], false, false},
		"fernet, header only":    {"gAAAAA", false, false},
		"fernet, newline":        {fernetToken() + "\n", false, false},
		"uuid":                   {"0123456789abcdef0123456789abcdef", false, false},
		"service account":        {jwt(serviceAccount), false, false},
		"OpenID Connect":         {jwt(forged), false, false},
		"keystone's JWS":         {jwt(jws), false, true},
		"keystone's JWS, old":    {jwt(expired), false, false},
		"JWS without signature":  {strings.TrimSuffix(jwt(jws), "c2lnbmF0dXJl"), false, false},
		"two parts":              {"gAAAAA.gAAAAA", false, false},
		"three parts":            {"a.b.c", false, false},
		"bootstrap":              {"abcdef.0123456789abcdef", false, false},
		"empty":                  {"", false, false},
		"long":                   {strings.Repeat("gAAAAAAA", 1000), false, false},
		"bytes":                  {"gAAAAA\x00\xff", false, false},
		"percent":                {"gAAAAA%41" + fernetToken(), false, false},
		"canary of the password": {"correct horse battery staple", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keystoneToken(tc.token, false, time.Now()); got != tc.fernet {
				t.Errorf("with fernet: %v", got)
			}
			if got := keystoneToken(tc.token, true, time.Now()); got != tc.jwsGiven {
				t.Errorf("with jws: %v", got)
			}
		})
	}
	if !keystoneToken(impossibleToken(), false, time.Now()) {
		t.Error("the probe's token is turned away")
	}
}
