//go:build e2e && scale

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/kube"
)

// TestAdvertiseAtScale measures status with 10,000 Services and 500 nodes, as
// objects in a real API server; every node answers, as calico-node does.
func TestAdvertiseAtScale(t *testing.T) {
	needLab(t)
	const services, nodes, meant = 10000, 500, 100
	s := startAPIServer(t, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.98.0.0/16")
	s.calico(t)
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: s.kubeconfig}, &clientcmd.ConfigOverrides{}, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	many(t, services, func(i int) error {
		metadata := map[string]any{"name": fmt.Sprintf("s%d", i), "namespace": "default"}
		if i < meant {
			metadata["annotations"] = map[string]any{"ystack.dev/advertise-clusterip": "true"}
		}
		return create(t.Context(), client, schema.GroupVersionResource{Version: "v1", Resource: "services"}, "default", map[string]any{
			"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": map[string]any{"ports": []any{map[string]any{"port": int64(80)}}},
		})
	})
	many(t, nodes, func(i int) error {
		return create(t.Context(), client, schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, "", map[string]any{
			"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": fmt.Sprintf("n%d", i)},
		})
	})
	t.Logf("%d Services and %d nodes made in %v", services, nodes, time.Since(began).Round(time.Second))

	ctx, stop := context.WithCancel(t.Context())
	reporting := make(chan struct{})
	go func() { defer close(reporting); report(ctx, client) }()
	defer func() { stop(); <-reporting }()
	measure(t, s, "advertise-clusterip", "--sync", "--peer=192.0.2.1:64512", "--wait=0")
	measure(t, s, "advertise-clusterip", "status", "--wait=0")
	measure(t, s, "advertise-clusterip", "status", "--wait=30s")
	measure(t, s, "advertise-clusterip", "status", "--wait=30s", "--all")
	measure(t, s, "advertise-clusterip", "status", "--wait=30s", "--all-routes")
}

func create(ctx context.Context, client *kube.Client, gvr schema.GroupVersionResource, namespace string, object map[string]any) error {
	_, err := client.Dynamic.Resource(gvr).Namespace(namespace).Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	return err
}

func many(t *testing.T, n int, do func(int) error) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(32)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// report answers like 500 calico-nodes, each for what it is asked, by a watch and a PUT.
func report(ctx context.Context, client *kube.Client) {
	resource := client.Dynamic.Resource(schema.GroupVersionResource{Group: "crd.projectcalico.org", Version: "v1", Resource: "caliconodestatuses"})
	const answer = `{"lastUpdated": "2026-01-01T00:00:00Z", "agent": {"birdV4": {"state": "Ready"}},
		"bgp": {"numberEstablishedV4": 1, "numberEstablishedV6": 0, "numberNotEstablishedV4": 0, "numberNotEstablishedV6": 0,
			"peersV4": [{"peerIP": "192.0.2.1", "type": "GlobalPeer", "state": "Established"}]},
		"routes": {"routesV4": [%s]}}`
	var routes []string
	for i := range 100 {
		routes = append(routes, fmt.Sprintf(`{"type": "FIB", "destination": "10.98.%d.%d/32", "gateway": "N/A", "interface": "blackhole", "learnedFrom": {"sourceType": "Static"}}`, i/250, i%250))
	}
	var full map[string]any
	if err := json.Unmarshal([]byte(fmt.Sprintf(answer, strings.Join(routes, ","))), &full); err != nil {
		panic(err) // of a constant
	}
	brief := maps.Clone(full)
	delete(brief, "routes")
	var group errgroup.Group
	group.SetLimit(16)
	defer func() { _ = group.Wait() }()
	for ctx.Err() == nil {
		w, err := resource.Watch(ctx, metav1.ListOptions{})
		if err != nil {
			continue
		}
		for event := range w.ResultChan() {
			u, ok := event.Object.(*unstructured.Unstructured)
			if !ok || event.Type != watch.Added || u.Object["status"] != nil {
				continue
			}
			u.Object["status"] = brief
			if classes, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "classes"); slices.Contains(classes, "Routes") {
				u.Object["status"] = full
			}
			group.Go(func() error {
				_, _ = resource.Update(ctx, u, metav1.UpdateOptions{})
				return nil
			})
		}
	}
}

// measure says what a command takes.
func measure(t *testing.T, s *apiServer, args ...string) {
	t.Helper()
	cmd := exec.Command("kubectl-ystack", append(args, "--kubeconfig="+s.kubeconfig)...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out[max(0, len(out)-2000):])
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%-60s %6.2fs, of that CPU %5.2fs, %4d MiB, %d lines", strings.Join(args, " "), time.Since(began).Seconds(),
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), usage.Maxrss>>10, strings.Count(string(out), "\n"))
}
