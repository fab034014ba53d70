package tenancy

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/kube"
)

// BenchmarkLabApply makes 100 namespaces with 3 bindings each, and compares with a client
// that does nothing but send as many objects, as many at once.
func BenchmarkLabApply(b *testing.B) {
	labConfig(b, "lab")
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: os.Getenv("KUBECONFIG")}, &clientcmd.ConfigOverrides{}, "ystack-test")
	if err != nil {
		b.Fatal(err)
	}
	run := map[string]func(*Plan) error{
		"apply": func(p *Plan) error { return Apply(b.Context(), client, p, ApplyOptions{}) },
		"bare": func(p *Plan) error {
			a := &applier{client: client}
			for _, phase := range []phase{phaseNamespaces, phaseGrant} {
				var g errgroup.Group
				g.SetLimit(32)
				for _, c := range p.Changes {
					if c.phase() == phase {
						o := c.Object.unstructured()
						g.Go(func() error {
							_, err := a.at(c.Object).Create(b.Context(), o, metav1.CreateOptions{})
							return err
						})
					}
				}
				if err := g.Wait(); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for range b.N {
		for _, name := range []string{"bare", "apply"} {
			p := manyPlan(b, 100)
			start := time.Now()
			err := run[name](p)
			b.ReportMetric(float64(len(p.Changes))/time.Since(start).Seconds(), name+"-objects/s")
			for _, c := range p.Changes {
				if c.phase() == phaseNamespaces {
					_ = (&applier{client: client}).at(c.Object).Delete(context.Background(), c.Object.Metadata.Name, metav1.DeleteOptions{})
				}
			}
			if err != nil {
				b.Fatal(err)
			}
			time.Sleep(5 * time.Second) // the namespaces are being emptied
		}
	}
}

// manyPlan is one of n projects with three roles each, by names that nobody has.
func manyPlan(b *testing.B, n int) *Plan {
	b.Helper()
	s := shop()
	clear(s.Projects)
	s.Assignments = nil
	prefix := "bench-" + strings.ToLower(rand.Text()[:6])
	for i := range n {
		id := fmt.Sprint(prefix, "-", i)
		s.Projects[id] = Project{ID: id, Name: id, DomainID: "c1", ParentID: "c1", Enabled: true}
		s.Assignments = append(s.Assignments, Assignment{UserID: "u1", RoleID: "r1", Scope: Scope{ProjectID: id}})
	}
	conf := config(nil)
	conf.Metadata.Name = prefix
	p, err := NewPlan(conf, s, &Cluster{}, time.Now(), PlanOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return p
}
