package hook

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestOneRunAtATime(t *testing.T) {
	var running, most atomic.Int64
	r := &fakeRunner{result: func(w Work) Result {
		n := running.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(time.Millisecond)
		running.Add(-1)
		return Result{State: Succeeded}
	}}
	o := testOptions(t.TempDir())
	o.Workers = 8
	s := newTestServer(t, o, r)
	stop := s.start()
	for i := range 20 {
		s.deliver(request(t, fmt.Sprint(i), "push", pushOf(i)))
	}
	eventually(t, "all ran", func() bool { return len(r.commits()) == 20 && s.states("19") == "succeeded" })
	stop()
	if most.Load() != 1 {
		t.Errorf("%d ran at once", most.Load())
	}
	var want []string
	for i := range 20 {
		want = append(want, commit(i))
	}
	if got := r.commits(); !slices.Equal(got, want) {
		t.Errorf("not in the order in which they came: %v", got)
	}
}

// TestSupersede: of what waits only the newest runs, whatever the order in which it came, and what
// runs already is left alone.
func TestSupersede(t *testing.T) {
	r := &fakeRunner{started: make(chan Work, 10), gate: make(chan struct{})}
	o := testOptions(t.TempDir())
	o.Supersede = true
	s := newTestServer(t, o, r)
	stop := s.start()
	s.deliver(request(t, "1", "push", pushOf(1)))
	<-r.started
	for _, i := range []int{2, 5, 3, 4} {
		s.deliver(request(t, fmt.Sprint(i), "push", pushOf(i)))
	}
	s.deliver(request(t, "shop", "push", payload("acme/shop", "refs/heads/release/1", commit(0), commit(1))))
	<-r.started // one of shop's
	close(r.gate)
	eventually(t, "all over", func() bool { return s.states("5") == "succeeded" && s.states("shop") == "succeeded succeeded" })
	stop()
	for id, want := range map[string]string{"1": "succeeded", "2": "superseded", "3": "superseded", "4": "superseded"} {
		if got := s.states(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	if by := s.queue.get("3").Jobs[0].By; by != "5" {
		t.Errorf("superseded by %q", by)
	}
}

// TestRestart: what was queued or running goes on, under the same ids, and nothing runs twice.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	r := &fakeRunner{started: make(chan Work, 10), gate: make(chan struct{})}
	s := newTestServer(t, testOptions(dir), r)
	run, kill := context.WithCancel(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.work(ctx, run); close(done) }()
	for i := range 3 {
		s.deliver(request(t, fmt.Sprint(i), "push", pushOf(i)))
	}
	<-r.started
	cancel()
	kill()
	<-done
	if got := s.states("0") + " " + s.states("1"); got != "running queued" {
		t.Fatalf("after the end: %s", got)
	}
	_ = s.Close()

	r = &fakeRunner{}
	s = newTestServer(t, testOptions(dir), r)
	if code := s.deliver(request(t, "1", "push", pushOf(1))); code != 200 {
		t.Errorf("a known delivery: %d", code)
	}
	stop := s.start()
	eventually(t, "all over", func() bool { return s.states("2") == "succeeded" })
	stop()
	if got, want := r.commits(), []string{commit(0), commit(1), commit(2)}; !slices.Equal(got, want) {
		t.Errorf("ran %v", got)
	}
	if d := s.queue.get("0"); d.Jobs[0].Attempts != 2 || d.Jobs[0].Targets[0].State != Succeeded {
		t.Errorf("%+v", d.Jobs[0])
	}
}

func TestLastAndBase(t *testing.T) {
	r := &fakeRunner{result: func(w Work) Result {
		if w.After == commit(2) {
			return Result{State: Failed, Message: "container: broken"}
		}
		return Result{State: Succeeded}
	}}
	s := newTestServer(t, testOptions(t.TempDir()), r)
	stop := s.start()
	for i := range 4 {
		s.deliver(request(t, fmt.Sprint(i), "push", pushOf(i)))
	}
	eventually(t, "all over", func() bool { return s.states("3") == "succeeded" })
	stop()
	if w := r.ran[0]; w.Last != "" || w.Base != "" || w.LastBy != "" {
		t.Errorf("the first knows of %+v", w)
	}
	if w := r.ran[3]; w.Last != commit(2) || w.LastBy != "2" || w.Base != commit(1) {
		t.Errorf("the last knows of %s by %s, %s", w.Last, w.LastBy, w.Base)
	}
}

func TestReplay(t *testing.T) {
	dir := t.TempDir()
	r := &fakeRunner{}
	s := newTestServer(t, testOptions(dir), r)
	stop := s.start()
	s.deliver(request(t, "a", "push", pushOf(1)))
	eventually(t, "it ran", func() bool { return s.states("a") == "succeeded" })
	for _, id := range []string{"a", "unknown"} {
		if err := RequestReplay(dir, id); err != nil {
			t.Fatal(err)
		}
	}
	s.doRequests()
	eventually(t, "it ran again", func() bool { return len(r.commits()) == 2 && s.states("a") == "succeeded" })
	s.doRequests() // the request is gone
	stop()
	if len(r.commits()) != 2 || r.ran[1].Replays != 1 {
		t.Errorf("ran %d times", len(r.commits()))
	}
	if err := RequestReplay(dir, "../a"); err == nil {
		t.Error("a path is taken for an id")
	}
}

// TestAgain: what cannot be done now is done later, and given up in the end.
func TestAgain(t *testing.T) {
	clock := &atomic.Int64{}
	o := testOptions(t.TempDir())
	o.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
	r := &fakeRunner{result: func(Work) Result { return Result{State: Queued, Message: "no network"} }}
	s := newTestServer(t, o, r)
	s.deliver(request(t, "a", "push", pushOf(1)))
	stop := s.start()
	for i := 1; i <= maxAttempts; i++ {
		eventually(t, fmt.Sprint("attempt ", i), func() bool { return len(r.commits()) == i && s.states("a") != "running" })
		clock.Add(3600)
		s.queue.broadcast()
	}
	eventually(t, "it is given up", func() bool { return s.states("a") == "failed" })
	stop()
	if d := s.queue.get("a"); !strings.HasPrefix(d.Jobs[0].Message, "no network (the last of 10") {
		t.Errorf("%+v", d.Jobs[0])
	}
}

// TestServe goes through a server's life: deliveries over the network, then the end, for which
// what runs is waited.
func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &fakeRunner{started: make(chan Work, 10), gate: make(chan struct{})}
	s := newTestServer(t, testOptions(t.TempDir()), r)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	out := request(t, "a", "push", pushOf(1))
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", listener.Addr().String()
	resp, err := http.DefaultClient.Do(out)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp.Status)
	}
	<-r.started
	cancel()
	eventually(t, "it ends", s.draining.Load)
	close(r.gate)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	book, err := ReadBook(s.o.Dir)
	if err != nil || book.byID["a"].State() != Succeeded {
		t.Errorf("%v, %v", book.byID["a"], err)
	}
}

func TestRoutes(t *testing.T) {
	routes := testOptions("").Routes
	for _, c := range []struct {
		repository, branch string
		known              bool
		contexts           string
	}{
		{"acme/hello", "main", true, "ystack"},
		{"Acme/Hello", "main", true, "ystack"},
		{"acme/hello", "mainline", true, ""},
		{"acme/shop", "release/1", true, "ystack/web ystack/api"},
		{"acme/shop", "release/1/2", true, ""},
		{"acme/none", "main", false, ""},
	} {
		jobs, known := routes.jobs(Push{Repository: c.repository, Branch: c.branch})
		var contexts []string
		for _, j := range jobs {
			contexts = append(contexts, j.Context)
		}
		if got := strings.Join(contexts, " "); got != c.contexts || known != c.known {
			t.Errorf("%s %s: %q, %t", c.repository, c.branch, got, known)
		}
	}
}
