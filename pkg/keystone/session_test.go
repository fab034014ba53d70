package keystone

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// logins is the lab's Keystone behind a proxy that counts them.
func logins(t *testing.T, cfg *Config) *atomic.Int32 {
	t.Helper()
	to, err := url.Parse(strings.TrimSuffix(cfg.AuthURL, "/v3"))
	if err != nil {
		t.Fatal(err)
	}
	count, proxy := &atomic.Int32{}, httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			count.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	cfg.AuthURL = server.URL + "/v3"
	return count
}

// images asks Glance for its list, and is the status of the answer.
func images(ctx context.Context, s *Session) (int, error) {
	request, err := s.Request(ctx, http.MethodGet, "image", "/v2/images", nil)
	if err != nil {
		return 0, err
	}
	response, err := s.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var list struct {
		Images []struct{} `json:"images"`
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err == nil && list.Images == nil {
		return response.StatusCode, errors.New("no list of images")
	}
	return response.StatusCode, nil
}

// revoke lets the session log in, and ends its token behind its back. The token is a new
// one: those that Glance has seen it takes for minutes more, revoked or not.
func revoke(t *testing.T, s *Session) {
	t.Helper()
	a, err := s.renew(t.Context(), s.latest())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client.Revoke(t.Context(), a.token.ID); err != nil {
		t.Fatal(err)
	}
}

// TestLabSessionRenews: many requests at once whose token was revoked, one login.
func TestLabSessionRenews(t *testing.T) {
	cfg := labConfig(t, "lab-alice")
	count := logins(t, cfg)
	session := NewSession(testClient(t, cfg), cfg)
	for round := range int32(3) {
		revoke(t, session)
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				if status, err := images(t.Context(), session); status != http.StatusOK || err != nil {
					t.Errorf("got %d, %v", status, err)
				}
			})
		}
		group.Wait()
		if got := count.Load(); got != 2*(round+1) {
			t.Errorf("%d logins after round %d", got, round)
		}
	}
}

// TestLabSessionRefused: a second refusal is the answer, and what cannot be sent or
// proven twice is not tried twice.
func TestLabSessionRefused(t *testing.T) {
	t.Run("second 401", func(t *testing.T) {
		cfg := labConfig(t, "lab-validate")
		count := logins(t, cfg)
		if status, err := images(t.Context(), NewSession(testClient(t, cfg), cfg)); status != http.StatusUnauthorized || err != nil || count.Load() != 2 {
			t.Errorf("got %d, %v after %d logins", status, err, count.Load())
		}
	})
	t.Run("token", func(t *testing.T) {
		_, token := login(t, labConfig(t, "lab-alice"))
		cfg := labConfig(t, "lab-alice", "auth_type", "token", "token", token.ID.Reveal(), "project_id", token.Project.ID)
		count := logins(t, cfg)
		session := NewSession(testClient(t, cfg), cfg)
		revoke(t, session)
		if status, err := images(t.Context(), session); status != http.StatusUnauthorized || err != nil || count.Load() != 1 {
			t.Errorf("got %d, %v after %d logins", status, err, count.Load())
		}
	})
	t.Run("body", func(t *testing.T) {
		cfg := labConfig(t, "lab-alice")
		count := logins(t, cfg)
		session := NewSession(testClient(t, cfg), cfg)
		send := func(body io.Reader) int {
			revoke(t, session)
			// Names no image, so that nothing is left behind.
			request, err := session.Request(t.Context(), http.MethodPost, "image", "/v2/images", body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			response, err := session.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			return response.StatusCode
		}
		const body = `{"disk_format": "no such format"}`
		if got := send(strings.NewReader(body)); got != http.StatusBadRequest || count.Load() != 2 {
			t.Errorf("a body that rewinds: got %d after %d logins", got, count.Load())
		}
		if got := send(io.MultiReader(strings.NewReader(body))); got != http.StatusUnauthorized || count.Load() != 3 {
			t.Errorf("a body that flows: got %d after %d logins", got, count.Load())
		}
		if status, err := images(t.Context(), session); status != http.StatusOK || err != nil || count.Load() != 4 {
			t.Errorf("afterwards: got %d, %v after %d logins", status, err, count.Load())
		}
	})
}

// TestLabSessionEndpoints: the lab's catalogue, and what it lacks.
func TestLabSessionEndpoints(t *testing.T) {
	for _, test := range []struct {
		name, service string
		change        func(*Config)
		want          string
	}{
		{"wrong region", "image", func(c *Config) { c.Region = "Elsewhere" }, "it is in RegionOne"},
		{"missing interface", "image", func(c *Config) { c.Interface = "inner" }, "it has admin, internal, public"},
		{"no such service", "imige", func(*Config) {}, `did you mean "image"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := labConfig(t, "lab-alice")
			test.change(cfg)
			_, err := NewSession(testClient(t, cfg), cfg).Endpoint(t.Context(), test.service)
			checkError(t, err, ErrNoEndpoint, test.want)
		})
	}
	cfg := labConfig(t, "lab-nobody")
	_, err := images(t.Context(), NewSession(testClient(t, cfg), cfg))
	checkError(t, err, ErrNoEndpoint, "without a catalogue")
	// Who names the endpoint needs no catalogue, and Keystone has more to tell than logins.
	cfg = labConfig(t, "lab")
	cfg.Endpoints["identity"] = cfg.AuthURL
	request, err := NewSession(testClient(t, cfg), cfg).Request(t.Context(), http.MethodGet, "identity", "/v3/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := NewSession(testClient(t, cfg), cfg).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %s", response.Status)
	}
}

// TestSessionFailures: all who wait for a login share its end, later ones try again, and
// who gives up does not end it for the others.
func TestSessionFailures(t *testing.T) {
	t.Parallel()
	const waiting = 8
	url, requests := faulty(t, reply{status: 401, body: errorJSON(401, "no")}, reply{status: 500}, reply{
		status: 201, header: map[string]string{"X-Subject-Token": canary}, body: freshToken(),
	})
	cfg := testConfig(url + "/v3")
	session := NewSession(testClient(t, cfg), cfg)
	session.login <- struct{}{} // somebody is at it
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := session.Token(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	errs := make(chan error)
	for range waiting {
		go func() {
			_, err := session.renew(t.Context(), attempt{})
			errs <- err
		}()
	}
	<-session.login
	for range waiting {
		checkError(t, <-errs, ErrUnauthorized)
	}
	if got := requests.Load(); got != 1 {
		t.Errorf("%d logins", got)
	}
	_, err := session.Token(t.Context())
	checkError(t, err, ErrServer)
	for range 2 {
		if token, err := session.Token(t.Context()); err != nil || token.ID != canary {
			t.Errorf("got %v, %v", token, err)
		}
	}
	if got := requests.Load(); got != 3 {
		t.Errorf("%d logins", got)
	}
	// Two minutes before its end a token is renewed.
	session.client.now = func() time.Time { return time.Now().Add(59 * time.Minute) }
	if _, err := session.Token(t.Context()); err != nil || requests.Load() != 4 {
		t.Errorf("got %v after %d logins", err, requests.Load())
	}
}

// TestSessionUnreachable: a service that does not answer is named, not Keystone.
func TestSessionUnreachable(t *testing.T) {
	t.Parallel()
	cfg := testConfig("http://keystone/v3")
	dead, _ := faulty(t, reply{reset: true})
	cfg.Endpoints = map[string]string{"image": dead}
	session := NewSession(testClient(t, cfg), cfg)
	session.record(attempt{1, &Token{ID: canary, Expires: time.Now().Add(time.Hour)}, nil})
	_, err := images(t.Context(), session)
	checkError(t, err, ErrUnreachable, "the service at "+dead, "GET /v2/images", "check its endpoint")
}

// TestLabSessionStreams: an image goes up from a body that only flows, and a part of it
// comes down.
func TestLabSessionStreams(t *testing.T) {
	cfg := labConfig(t, "lab-alice")
	session := NewSession(testClient(t, cfg), cfg)
	do := func(ctx context.Context, method, path string, body io.Reader, header ...string) (int, []byte) {
		t.Helper()
		request, err := session.Request(ctx, method, "image", path, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		response, err := session.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		data, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, data
	}
	var image struct{ ID string }
	status, data := do(t.Context(), http.MethodPost, "/v2/images", strings.NewReader(`{"name": "keystone-test", "disk_format": "raw", "container_format": "bare"}`), "Content-Type", "application/json")
	if err := json.Unmarshal(data, &image); status != http.StatusCreated || err != nil {
		t.Fatalf("got %d, %v: %s", status, err, data)
	}
	t.Cleanup(func() {
		if status, _ := do(context.Background(), http.MethodDelete, "/v2/images/"+image.ID, nil); status != http.StatusNoContent {
			t.Errorf("image %s stays behind: %d", image.ID, status)
		}
	})
	const size = 8 << 20
	body := io.LimitReader(counting{}, size)
	if status, data := do(t.Context(), http.MethodPut, "/v2/images/"+image.ID+"/file", body, "Content-Type", "application/octet-stream"); status != http.StatusNoContent {
		t.Fatalf("upload: got %d: %s", status, data)
	}
	status, data = do(t.Context(), http.MethodGet, "/v2/images/"+image.ID+"/file", nil, "Range", "bytes=256-265")
	if status != http.StatusPartialContent || string(data) != "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09" {
		t.Errorf("download: got %d, %x", status, data)
	}
	if status, data := do(t.Context(), http.MethodGet, "/v2/images/"+image.ID+"/file", nil); status != http.StatusOK || len(data) != size {
		t.Errorf("download: got %d, %d bytes", status, len(data))
	}
}

// counting is 00 01 02 … without end, each time from 00: reads are of whole multiples.
type counting struct{}

func (counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}
