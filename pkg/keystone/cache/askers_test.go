package cache

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestReturning: who asks again for the token that it has been given doubts it, unless
// Keystone has just made or confirmed it.
func TestReturning(t *testing.T) {
	s := Open(t.TempDir())
	e := someEntry("t")
	if err := s.Put("k", e); err != nil {
		t.Fatal(err)
	}
	at := func(after time.Duration) time.Time { return e.Got.Add(after) }
	for _, step := range []struct {
		asker string
		after time.Duration
		want  bool
		why   string
	}{
		{"10:1", 0, false, "the first time"},
		{"10:1", time.Second, false, "Keystone has just made it"},
		{"10:1", 3 * time.Second, true, "it asks again"},
		{"10:2", 3 * time.Second, false, "another process with the same id"},
		{"11:1", time.Minute, false, "another process"},
		{"11:1", time.Minute, true, "asks again"},
		{"", time.Minute, false, "nobody knows who asks"},
		{"1 1\n", time.Minute, false, "no name of a process"},
		{"1 1\n", time.Minute, false, "no name of a process, again"},
	} {
		if got := s.Returning("k", step.asker, e, at(step.after)); got != step.want {
			t.Errorf("%q after %s: %v; %s", step.asker, step.after, got, step.why)
		}
	}
	s.Confirmed("k", at(2*time.Minute))
	for after, want := range map[time.Duration]bool{2*time.Minute + 5*time.Second: false, 2*time.Minute + 12*time.Second: true} {
		if got := s.Returning("k", "11:1", e, at(after)); got != want {
			t.Errorf("after %s, confirmed at 2m: %v", after, got)
		}
	}
	next := someEntry("u")
	next.Got = at(time.Hour)
	if err := s.Put("k", next); err != nil {
		t.Fatal(err)
	}
	if s.Returning("k", "11:1", next, at(2*time.Hour)) {
		t.Error("it was given the token before, not this one")
	}
}

// TestAskersStayFew: the list does not grow for ever, and keeps the latest.
func TestAskersStayFew(t *testing.T) {
	s := Open(t.TempDir())
	e := someEntry("t")
	later := e.Got.Add(time.Minute)
	for i := range 5000 {
		s.Returning("k", fmt.Sprintf("%d:1234567", i), e, later)
	}
	info, err := os.Stat(s.path("k", askersFile))
	if err != nil || info.Size() > maxAskers+100 {
		t.Fatalf("%v, %v", info, err)
	}
	if !s.Returning("k", "4999:1234567", e, later) {
		t.Error("the last one is not known any more")
	}
}
