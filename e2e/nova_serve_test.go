//go:build e2e

package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// testServed deploys an image of examples/hello: machines that boot, are well when they
// answer, and are replaced by others while whoever asks at the floating address always
// gets an answer.
func testServed(t *testing.T, cloud string, r deploy.Release) {
	f := newFleet(t, cloud, r.App)
	f.floatingIPs(1)
	f.spec.Flavor, f.spec.UserData = "m1.small", "user-data"
	f.health = &app.Health{HTTP: &app.HTTPHealth{Port: 8080, Path: "/healthz"}}
	f.userData("#cloud-config\n")
	f.served(r)
	url := "http://" + f.spec.FloatingIPs[0] + ":8080/healthz"
	p, err := f.plan(r)
	if err != nil {
		t.Fatal(err)
	}
	endpoints, err := p.Endpoints(t.Context())
	if err != nil || len(endpoints) != 2 || endpoints[0] != url || !strings.HasPrefix(endpoints[1], "http://198.51.100.") {
		t.Errorf("it answers at %q, %v", endpoints, err)
	}
	for _, e := range endpoints {
		if page, err := fetch(strings.TrimSuffix(e, "healthz")); err != nil || !strings.Contains(page, "Hello from ystack") {
			t.Errorf("%s: %q, %v", e, page, err)
		}
	}

	before := f.machines()
	f.userData("#cloud-config\n# of which other servers are made\n")
	ctx, stop := context.WithCancel(t.Context())
	answers := make(chan []string)
	go func() { answers <- keepAsking(ctx, url) }()
	f.served(r)
	stop()
	if got := <-answers; len(got) != 1 || got[0] != "ok\n" {
		t.Errorf("the address answered, one after the other, %q", got)
	}
	if after := f.machines(); len(after) != 2 || after[0].ID == before[0].ID {
		t.Errorf("there were %+v, and are %+v", before, after)
	}
}

func (f *fleet) served(r deploy.Release) {
	f.t.Helper()
	said, err := f.deploy(r)
	if err != nil {
		f.t.Fatalf("%v\n%s", err, said)
	}
	if p, err := f.plan(r); err != nil || len(p.Changes()) != 0 {
		f.t.Errorf("planned again: %v, %+v", err, p)
	}
}

func (f *fleet) userData(text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, f.spec.UserData), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// keepAsking lists the different answers one after the other; failures count as such.
func keepAsking(ctx context.Context, url string) []string {
	var got []string
	for ctx.Err() == nil {
		page, err := fetch(url)
		if err != nil {
			page = err.Error()
		}
		if len(got) == 0 || got[len(got)-1] != page {
			got = append(got, page)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return got
}

// fetch asks over a connection of its own.
func fetch(url string) (string, error) {
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	return string(page), err
}
