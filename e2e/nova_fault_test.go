//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/nova"
)

// TestNovaFaults: each trouble is told with its cause, or borne; and the same deployment
// again ends right.
func TestNovaFaults(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "lab-hanako", "fleet-"+random())
	f.spec.Count = new(int32(1))
	one, two := f.image(full("1")), f.image(full("2"))

	f.spec.Flavor = "m1.nowhere"
	if _, err := f.deploy(one); err == nil || !strings.Contains(err.Error(), "went to ERROR: No valid host was found") {
		t.Errorf("no valid host: %v", err)
	}
	if h, err := f.target().History(t.Context()); err != nil || h[0].State != "failed" {
		t.Errorf("%+v, %v", h, err)
	}
	f.spec.Flavor = "m1.tiny"

	// Nova is out of order for a while: when it is asked first, and when it is told.
	var asked, told atomic.Int32
	f.with(func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
		if r.Method == http.MethodGet && asked.Add(1) < 4 || r.Method != http.MethodGet && told.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		forward(w)
	})
	f.mustDeploy(one)

	// The answer to the creation is lost.
	var created atomic.Int32
	f.with(func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/servers") {
			created.Add(1)
			forward(httptest.NewRecorder())
			panic(http.ErrAbortHandler)
		}
		forward(w)
	})
	f.mustDeploy(two)
	if n := created.Load(); n != 1 {
		t.Errorf("a server whose creation was not answered was created %d times", n)
	}

	// The token ends in the middle.
	var old atomic.Value
	f.with(func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
		token := r.Header.Get("X-Auth-Token")
		if r.Method != http.MethodGet {
			old.CompareAndSwap(nil, token)
		} else if ended := old.Load(); ended == token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		forward(w)
	})
	f.mustDeploy(one)
	if old.Load() == nil {
		t.Error("no token ended")
	}
	f.with(nil)

	// The image is deleted between plan and apply.
	p, err := f.plan(two)
	if err != nil {
		t.Fatal(err)
	}
	f.openstack("image", "delete", f.images[full("2")])
	if _, err := f.apply(p); err == nil || !strings.Contains(err.Error(), f.images[full("2")]) || !strings.Contains(err.Error(), "no image of this name or id") {
		t.Errorf("an image that is gone: %v", err)
	}
	if _, err := f.target().Rollback(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("back to it: %v", err)
	}
	f.settled(one)

	// What somebody has switched off is switched on again.
	f.openstack("server", "stop", f.machines()[0].ID)
	for range 60 {
		if f.machines()[0].Status == "SHUTOFF" {
			break
		}
		time.Sleep(time.Second)
	}
	f.mustDeploy(one)
}

// TestNovaKills kills a deployment before and after each thing that it changes, and runs
// the same again: nothing may be doubled or left.
func TestNovaKills(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "lab-bob", "fleet-"+random())
	f.floatingIPs(1)
	a, b := f.image(full("1")), f.image(full("2"))
	f.mustDeploy(a)
	for _, point := range []struct {
		after bool
		at    int32 // of the changes, which are: created, created, moved, deleted, deleted
	}{{true, 1}, {false, 2}, {true, 3}, {true, 4}, {false, 5}} {
		var n atomic.Int32
		ctx, kill := context.WithCancel(t.Context())
		cmd := f.deployer(ctx, b)
		f.with(func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
			if r.Method == http.MethodGet || n.Add(1) != point.at {
				forward(w)
				return
			}
			if point.after {
				forward(httptest.NewRecorder())
			}
			_, _ = io.Copy(io.Discard, r.Body) // after that the server sees when the other end is gone
			kill()
			<-r.Context().Done()
		})
		out, err := cmd.CombinedOutput()
		f.with(nil)
		kill()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("was not killed at change %d: %v\n%s", point.at, err, out)
		}
		f.mustDeploy(b)
		a, b = b, a
	}
}

const deployWhat = "YSTACK_TEST_DEPLOY"

// deployer deploys in a process of its own, which can be killed.
func (f *fleet) deployer(ctx context.Context, r deploy.Release) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestNovaDeployer$", "-test.count=1")
	what, err := json.Marshal(job{f.cloud, r, f.spec, f.endpoints})
	if err != nil {
		f.t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), deployWhat+"="+string(what))
	return cmd
}

type job struct {
	Cloud     string
	Release   deploy.Release
	Spec      app.VMDeploy
	Endpoints map[string]string
}

// TestNovaDeployer is what deployer runs.
func TestNovaDeployer(t *testing.T) {
	if os.Getenv(deployWhat) == "" {
		t.Skip("TestNovaKills runs it")
	}
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(deployWhat)), &j); err != nil {
		t.Fatal(err)
	}
	target := nova.New(fleetSession(t, j.Cloud, j.Endpoints), j.Cloud, j.Release.App, j.Spec, nil, "")
	p, err := target.Plan(t.Context(), j.Release)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := p.Apply(ctx, nil); err != nil {
		t.Fatal(err)
	}
}
