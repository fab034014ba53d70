package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for _, tc := range []struct {
		path, want string
		status     int
	}{
		{"/", "<h1>Hi &lt;all&gt;</h1>", 200},
		{"/", "served by pod-1", 200},
		{"/healthz", "ok", 200},
		{"/nowhere", "404", 404},
	} {
		rec := httptest.NewRecorder()
		handler("Hi <all>", "pod-1").ServeHTTP(rec, httptest.NewRequest("GET", tc.path, nil))
		if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.want) {
			t.Errorf("GET %s: %d %q, want %d with %q", tc.path, rec.Code, rec.Body, tc.status, tc.want)
		}
	}
}
