package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// These make the test program one of the many processes that want a token.
const (
	storeOf  = "YSTACK_TEST_STORE"
	serverOf = "YSTACK_TEST_SERVER"
)

func TestMain(m *testing.M) {
	if os.Getenv(storeOf) != "" {
		os.Exit(fetchOnce())
	}
	os.Exit(m.Run())
}

// fetchOnce gets a token of the test's server and prints it.
func fetchOnce() int {
	fmt.Println("ready")
	e, err := Open(os.Getenv(storeOf)).Fetch(context.Background(), request(func(ctx context.Context) (Entry, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv(serverOf), nil)
		if err != nil {
			return Entry{}, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return Entry{}, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusCreated {
			return Entry{}, fmt.Errorf("refused: %s", body)
		}
		return someEntry(string(body)), err
	}))
	if err != nil {
		fmt.Print(err)
		return 1
	}
	fmt.Print(e.Token)
	return 0
}

func request(renew func(context.Context) (Entry, error)) Request {
	return Request{
		Key: "k", Renew: renew, Warn: func(error) {},
		Usable: func(e Entry) bool { return time.Now().Before(e.RenewAt()) },
	}
}

// TestProcessesShareOneRequest: of many processes one asks, and the answer serves all,
// be it a token or a refusal.
func TestProcessesShareOneRequest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, status := range map[string]int{"a token": http.StatusCreated, "a refusal": http.StatusUnauthorized} {
		t.Run(name, func(t *testing.T) {
			const many = 30
			var asked atomic.Int32
			all := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				<-all // answered when everybody waits
				w.WriteHeader(status)
				fmt.Fprintf(w, "answer-%d", asked.Add(1))
			}))
			defer server.Close()
			dir := filepath.Join(t.TempDir(), "tokens")
			var running, starting sync.WaitGroup
			starting.Add(many)
			said := make([]string, many)
			for i := range many {
				cmd := exec.CommandContext(t.Context(), self)
				cmd.Env = append(os.Environ(), storeOf+"="+dir, serverOf+"="+server.URL)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				running.Go(func() {
					lines := bufio.NewReader(out)
					_, _ = lines.ReadString('\n')
					starting.Done()
					text, _ := io.ReadAll(lines)
					said[i] = string(text)
					err := cmd.Wait()
					if (err == nil) != (status == http.StatusCreated) {
						t.Errorf("%v: %s", err, text)
					}
				})
			}
			starting.Wait()
			time.AfterFunc(500*time.Millisecond, func() { close(all) })
			running.Wait()
			for _, s := range said {
				if strings.TrimPrefix(s, "refused: ") != "answer-1" {
					t.Errorf("a process says %q", s)
				}
			}
			if asked.Load() != 1 {
				t.Errorf("%d requests", asked.Load())
			}
		})
	}
}

func TestGoroutinesShareOneRequest(t *testing.T) {
	s := Open(t.TempDir())
	var asked atomic.Int32
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			e, err := s.Fetch(t.Context(), request(func(context.Context) (Entry, error) {
				time.Sleep(20 * time.Millisecond)
				return someEntry(fmt.Sprintf("t%d", asked.Add(1))), nil
			}))
			if err != nil || e.Token != "t1" {
				t.Errorf("%s, %v", e.Token, err)
			}
		})
	}
	running.Wait()
}

// TestFailures: whoever waited shares a failure, and so does its cause for a while;
// who comes later tries again.
func TestFailures(t *testing.T) {
	s := Open(t.TempDir())
	asked := 0
	fetch := func(asker string, err error) error {
		r := request(func(context.Context) (Entry, error) { asked++; return someEntry("t"), err })
		r.Asker = asker
		_, err = s.Fetch(t.Context(), r)
		return err
	}
	no := errors.New("the password is wrong")
	if err := fetch("10:1", no); !errors.Is(err, no) {
		t.Fatal(err)
	}
	var shared *SharedError
	if err := fetch("10:1", nil); !errors.As(err, &shared) || shared.Message != no.Error() || asked != 1 {
		t.Errorf("the same process: %v, asked %d times", err, asked)
	}
	if err := fetch("11:1", no); !errors.Is(err, no) || asked != 2 {
		t.Errorf("another process: %v, asked %d times", err, asked)
	}
	if err := fetch("", no); !errors.Is(err, no) || asked != 3 {
		t.Errorf("a person: %v, asked %d times", err, asked)
	}
	if err := fetch("", no); !errors.Is(err, no) || asked != 4 {
		t.Errorf("a person, again: %v, asked %d times", err, asked)
	}
	_ = fetch("11:1", no)
	s.Forgive("k")
	if err := fetch("11:1", nil); err != nil || asked != 6 {
		t.Errorf("forgiven: %v, asked %d times", err, asked)
	}
	put(t, s.path("k", failedFile), "garbage", 0o600)
	if err := s.Remove("k"); err != nil {
		t.Fatal(err)
	}
	put(t, s.path("k", failedFile), `{"time":"9999-01-01T00:00:00Z","message":"x"}`, 0o644)
	if err := fetch("11:1", nil); err != nil {
		t.Errorf("a file that others could write is believed: %v", err)
	}
}

// TestInterruptedIsNoFailure of Keystone's: the next one asks.
func TestInterruptedIsNoFailure(t *testing.T) {
	s := Open(t.TempDir())
	stop := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := request(func(ctx context.Context) (Entry, error) { cancel(stop); return Entry{}, context.Cause(ctx) })
	r.Asker = "10:1"
	if _, err := s.Fetch(ctx, r); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	r.Renew = func(context.Context) (Entry, error) { return someEntry("t"), nil }
	if e, err := s.Fetch(t.Context(), r); err != nil || e.Token != "t" {
		t.Errorf("%s, %v", e.Token, err)
	}
}

// TestWaitingEnds with the context, and says why.
func TestWaitingEnds(t *testing.T) {
	s := Open(t.TempDir())
	unlock, err := s.lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	why := errors.New("no time left")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, why)
	defer cancel()
	_, err = s.Fetch(ctx, request(func(context.Context) (Entry, error) {
		t.Error("asked without the lock")
		return Entry{}, nil
	}))
	if !errors.Is(err, why) {
		t.Error(err)
	}
}

// TestNowhereToKeep: where nothing can be written, a token is got all the same, and
// the user is told.
func TestNowhereToKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "", 0o600)
	for name, dir := range map[string]string{"below a file": filepath.Join(file, "tokens"), "/proc": "/proc/ystack/tokens"} {
		t.Run(name, func(t *testing.T) {
			var warned error
			r := request(func(context.Context) (Entry, error) { return someEntry("t"), nil })
			r.Warn = func(err error) { warned = err }
			e, err := Open(dir).Fetch(t.Context(), r)
			if err != nil || e.Token != "t" || warned == nil {
				t.Errorf("%s, %v, warned of %v", e.Token, err, warned)
			}
		})
	}
}

// TestNoStore: without one every call asks.
func TestNoStore(t *testing.T) {
	var s *Store
	asked := 0
	for range 2 {
		if _, err := s.Fetch(t.Context(), request(func(context.Context) (Entry, error) { asked++; return someEntry("t"), nil })); err != nil {
			t.Error(err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
