//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
)

// scale is tenant-sync with the Keystone that lab/bench/keystone-read.sh has filled, and
// with API servers of its own.
type scale struct {
	*testing.B
	session *keystone.Session
	config  *app.TenantSync
}

// BenchmarkTenantScale: a first run beside a client that does nothing but send the same
// objects, and beside kubectl apply; then a run that has nothing to do, beside the lists
// of both sides. Run it by lab/bench/keystone-read.sh.
func BenchmarkTenantScale(b *testing.B) {
	url := os.Getenv("YSTACK_BENCH_KEYSTONE")
	if url == "" {
		b.Skip("lab/bench/keystone-read.sh sets up what this reads")
	}
	needLab(b)
	file := b.TempDir() + "/tenants.yaml"
	if err := os.WriteFile(file, []byte("apiVersion: ystack.dev/v1alpha1\nkind: TenantSync\nmetadata: {name: scale}\nspec: {}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	config, err := app.LoadTenantSync(file)
	if err != nil {
		b.Fatal(err)
	}
	settings, err := keystone.Load(keystone.LoadOptions{Cloud: "lab-system", Getenv: os.Getenv, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	settings.AuthURL, settings.Endpoints = url, map[string]string{"identity": url}
	client, err := keystone.NewClient(settings, "ystack-bench")
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	s := scale{b, keystone.NewSession(client, settings), config}
	b.ResetTimer()
	for range b.N {
		s.once()
	}
}

func (s scale) once() {
	one, two, three := s.cluster(), s.cluster(), s.cluster()
	plan := s.prepare(one)
	objects := len(plan.Changes)

	bare := s.timed(func() error { return s.bare(one, plan) })
	apply := s.timed(func() error { return tenancy.Apply(s.Context(), two.client, s.prepare(two), tenancy.ApplyOptions{}) })
	part := plan.Changes[:0:0]
	for _, c := range plan.Changes { // a tenth, for kubectl's sake
		if name := c.Object.Metadata.Namespace + c.Object.Metadata.Name; len(name)%10 == 0 || c.Object.Kind == "Namespace" && len(part) < objects/10 {
			part = append(part, c)
		}
	}
	part = part[:min(len(part), objects/10)]
	kubectl := s.timed(func() error { return s.kubectlApply(three, part) })
	rate := func(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }
	s.Logf("%d objects: bare %.0f/s, tenant-sync (with reading both sides) %.0f/s, kubectl apply of %d: %.0f/s",
		objects, rate(objects, bare), rate(objects, apply), len(part), rate(len(part), kubectl))
	s.ReportMetric(rate(objects, apply)/rate(objects, bare), "of-bare")
	s.ReportMetric(rate(objects, apply)/rate(len(part), kubectl), "times-kubectl")

	var ratios []float64
	for range 5 {
		lists := s.timed(func() error { return s.lists(two) })
		nothing := s.timed(func() error {
			if p := s.prepare(two); len(p.Changes) > 0 {
				s.Fatalf("%d changes are left", len(p.Changes))
			}
			return nil
		})
		s.Logf("lists of both sides at once %s, nothing to do %s", lists.Round(time.Millisecond), nothing.Round(time.Millisecond))
		ratios = append(ratios, nothing.Seconds()/lists.Seconds())
	}
	slices.Sort(ratios)
	s.ReportMetric(ratios[len(ratios)/2], "no-op/lists")
}

type scaleCluster struct {
	*apiServer
	client *kube.Client
}

func (s scale) cluster() scaleCluster {
	server := startAPIServer(s.B, "--authorization-mode=RBAC")
	loader := &clientcmd.ClientConfigLoadingRules{ExplicitPath: server.kubeconfig}
	client, err := kube.Load(loader, &clientcmd.ConfigOverrides{}, "ystack-bench")
	if err != nil {
		s.Fatal(err)
	}
	return scaleCluster{server, client}
}

func (s scale) timed(do func() error) time.Duration {
	s.Helper()
	start := time.Now()
	if err := do(); err != nil {
		s.Fatal(err)
	}
	return time.Since(start)
}

func (s scale) prepare(c scaleCluster) *tenancy.Plan {
	s.Helper()
	p, err := tenancy.Prepare(s.Context(), s.session, c.client, s.config, tenancy.PlanOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func wire(o tenancy.Object) (*unstructured.Unstructured, schema.GroupVersionResource) {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(data, &u.Object); err != nil {
		panic(err)
	}
	if o.Kind == "Namespace" {
		u.SetAPIVersion("v1")
		return u, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	}
	u.SetAPIVersion("rbac.authorization.k8s.io/v1")
	return u, schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}
}

// bare reads both sides, as whoever makes such objects must, and sends them.
func (s scale) bare(c scaleCluster, plan *tenancy.Plan) error {
	if err := s.lists(c); err != nil {
		return err
	}
	for _, namespaces := range []bool{true, false} {
		var g errgroup.Group
		g.SetLimit(32)
		for _, change := range plan.Changes {
			if (change.Object.Kind == "Namespace") != namespaces {
				continue
			}
			u, resource := wire(change.Object)
			g.Go(func() error {
				_, err := c.client.Dynamic.Resource(resource).Namespace(u.GetNamespace()).Create(s.Context(), u, metav1.CreateOptions{})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (s scale) kubectlApply(c scaleCluster, changes []tenancy.Change) error {
	var all bytes.Buffer
	named := map[string]bool{}
	for _, change := range changes {
		u, _ := wire(change.Object)
		if place := u.GetNamespace(); place != "" && !named[place] {
			continue
		}
		named[u.GetName()] = true
		if err := json.NewEncoder(&all).Encode(u.Object); err != nil {
			return err
		}
	}
	cmd := c.command("apply", "-f", "-")
	cmd.Stdin, cmd.Stdout = &all, io.Discard
	return cmd.Run()
}

// lists gets what a run has to know, all at once.
func (s scale) lists(c scaleCluster) error {
	var g errgroup.Group
	for _, path := range []string{"role_assignments", "users", "projects", "domains", "roles", "role_inferences", "groups"} {
		g.Go(func() error {
			request, err := s.session.Request(s.Context(), http.MethodGet, "identity", "/v3/"+path, nil)
			if err != nil {
				return err
			}
			response, err := s.session.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			var list map[string]any
			return json.NewDecoder(response.Body).Decode(&list)
		})
	}
	for _, path := range []string{"/api/v1/namespaces", "/apis/rbac.authorization.k8s.io/v1/rolebindings"} {
		g.Go(func() error {
			body, err := c.client.Get(s.Context(), path, nil, "application/json")
			if err != nil {
				return err
			}
			var list struct{ Items []tenancy.Object }
			return json.Unmarshal(body, &list)
		})
	}
	return g.Wait()
}
