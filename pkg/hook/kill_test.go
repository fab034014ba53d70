package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// childDir makes a process of these tests a server with its journal there.
const childDir = "YSTACK_TEST_HOOK_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := serveChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveChild serves with a runner that leaves a file for each run, and its address in another.
func serveChild(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	o := testOptions(dir)
	o.Supersede, o.Workers, o.Keep = rand.IntN(2) == 0, 3, 1_000_000
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := NewServer(o)
	if err != nil {
		return err
	}
	s.Handle(&fileRunner{dir: dir})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := filepath.Join(dir, "address")
	if err := os.WriteFile(address+".part", []byte(listener.Addr().String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(address+".part", address); err != nil {
		return err
	}
	return s.Serve(ctx, listener)
}

// fileRunner behaves as pipelines do: a run that was killed is taken up under its name.
type fileRunner struct {
	fakeRunner
	dir string
}

func runFile(dir string, w Work) string {
	return filepath.Join(dir, "runs", strings.NewReplacer("/", "_").Replace(w.Repository+"_"+w.Branch+"_"+w.Directory+"_"+w.After))
}

func (f *fileRunner) Run(_ context.Context, w Work, report func(Target)) Result {
	if w.Last > w.After { // commits are numbered; see Checkouts.Settle
		return Result{State: Superseded, By: w.LastBy}
	}
	report(Target{Name: "container", State: Running})
	log, err := os.OpenFile(runFile(f.dir, w), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return Result{State: Failed, Message: err.Error()}
	}
	defer log.Close()
	fmt.Fprintln(log, "begin", w.Delivery)
	time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
	fmt.Fprintln(log, "end", w.Delivery)
	return Result{State: Succeeded}
}

type delivered struct{ id, repository, branch, after string }

// TestKill delivers pushes, some twice and in other orders than they were made, to a server that
// is killed again and again. Each head that was accepted must end in one run, or superseded on
// record, and the last of each branch in a run. YSTACK_TEST_DELIVERIES makes it longer.
func TestKill(t *testing.T) {
	n := 400
	if text := os.Getenv("YSTACK_TEST_DELIVERIES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "runs"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, dir: dir}
	var accepted sync.Map
	var sent atomic.Int64
	work := make(chan delivered)
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for d := range work {
				if c.deliver(d) {
					accepted.Store(d.id, d)
				}
				sent.Add(1)
			}
		})
	}
	kills := 0
	killer := make(chan struct{})
	go func() {
		defer close(killer)
		for next := int64(0); ; {
			c.start()
			next += 10 + rand.Int64N(80)
			for sent.Load() < next && c.alive() {
				if sent.Load() >= int64(n) {
					return
				}
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
			c.kill()
			kills++
		}
	}()
	all := mixed(n)
	for _, d := range all {
		work <- d
	}
	close(work)
	senders.Wait()
	<-killer
	c.settle()
	t.Logf("%d deliveries, %d kills", len(all), kills)
	checkRuns(t, dir, &accepted)
}

// mixed are n pushes to a few branches: one in five comes twice, and neighbours change places.
func mixed(n int) []delivered {
	var all []delivered
	for i := range n {
		d := delivered{id: fmt.Sprint("push-", i), repository: "acme/shop", branch: fmt.Sprint("release/", i%4), after: commit(i)}
		if i%5 == 4 {
			d.repository, d.branch = "acme/hello", "main"
		}
		all = append(all, d)
		if rand.IntN(5) == 0 {
			all = append(all, d)
		}
	}
	for i := range all {
		k := min(len(all)-1, i+rand.IntN(8))
		all[i], all[k] = all[k], all[i]
	}
	return all
}

// child is the server's process.
type child struct {
	t   *testing.T
	dir string
	mu  sync.Mutex
	cmd *exec.Cmd
	end chan struct{}
}

func (c *child) start() {
	_ = os.Remove(filepath.Join(c.dir, "address"))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+c.dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Error(err)
		return
	}
	end := make(chan struct{})
	go func() { _ = cmd.Wait(); close(end) }()
	c.mu.Lock()
	c.cmd, c.end = cmd, end
	c.mu.Unlock()
}

func (c *child) alive() bool {
	select {
	case <-c.end:
		return false
	default:
		return true
	}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.end
}

// settle waits until nothing is left to do, and ends the server as people do.
func (c *child) settle() {
	within(c.t, 10*time.Minute, "all deliveries are over", func() bool {
		time.Sleep(50 * time.Millisecond) // reading it takes the disk that the server needs
		book, err := ReadBook(c.dir)
		if err != nil {
			return false
		}
		for _, d := range book.order {
			if !d.Over() {
				return false
			}
		}
		return true
	})
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.end
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Errorf("the server ended with %d", code)
	}
}

// deliver sends until it is answered, as people and code registries do. It reports whether the
// delivery was accepted.
func (c *child) deliver(d delivered) bool {
	body := payload(d.repository, "refs/heads/"+d.branch, zeros, d.after)
	client := &http.Client{Timeout: 10 * time.Second}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		address, err := os.ReadFile(filepath.Join(c.dir, "address"))
		if err != nil {
			continue
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+string(address)+PathHook, strings.NewReader(body))
		if err != nil {
			continue
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-GitHub-Event", "push")
		r.Header.Set("X-GitHub-Delivery", d.id)
		r.Header.Set("X-Hub-Signature-256", mustSecret(testSecret).signature(body))
		resp, err := client.Do(r)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusOK {
			return true
		}
		c.t.Errorf("%s was answered with %s", d.id, resp.Status)
		return false
	}
	c.t.Errorf("%s was not delivered", d.id)
	return false
}

// checkRuns compares the journal with the runs that there were.
func checkRuns(t *testing.T, dir string, accepted *sync.Map) {
	t.Helper()
	book, err := ReadBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	states := map[State]int{}
	newest := map[string]string{}
	accepted.Range(func(id, value any) bool {
		d := book.byID[id.(string)]
		if d == nil {
			t.Errorf("%s was accepted and is not on record", id)
			return true
		}
		for k := range d.Jobs {
			newest[d.line(k)] = max(newest[d.line(k)], d.After)
			states[d.Jobs[k].State]++
			checkRun(t, dir, d, k)
		}
		return true
	})
	for _, d := range book.order {
		for k := range d.Jobs {
			if newest[d.line(k)] == d.After && d.Jobs[k].State != Succeeded {
				t.Errorf("the head of %s is %s", d.Branch, d.Jobs[k].State)
			}
		}
	}
	t.Logf("%v", states)
}

func checkRun(t *testing.T, dir string, d *Delivery, k int) {
	t.Helper()
	j := d.Jobs[k]
	data, err := os.ReadFile(runFile(dir, Work{Push: d.Push, Job: j}))
	ran := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	switch {
	case j.State == Succeeded && !strings.Contains(string(data), "end "+d.ID):
		t.Errorf("%s succeeded and has not run", d.ID)
	case j.State == Succeeded && strings.Count(string(data), "begin") != strings.Count(string(data), "begin "+d.ID):
		t.Errorf("the head of %s ran for others too:\n%s", d.ID, data)
	case j.State == Succeeded && strings.Count(string(data), "end") > j.Attempts:
		t.Errorf("%s ran more often than it was started", d.ID)
	case j.State == Superseded && (ran || j.By == ""):
		t.Errorf("%s was superseded by %q; it ran: %t", d.ID, j.By, ran)
	case j.State != Succeeded && j.State != Superseded:
		t.Errorf("%s is %s", d.ID, j.State)
	}
}
