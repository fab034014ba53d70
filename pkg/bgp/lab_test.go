package bgp

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/lab/bird"
	"github.com/ystackdev/ystack/pkg/kube"
)

// long is how long anything of the lab may take on a busy machine.
const long = 90 * time.Second

// tor is the lab's router.
var tor = mustNeighbour("10.89.0.1:64512")

func mustNeighbour(s string) Neighbour {
	n, err := ParseNeighbour(s)
	if err != nil {
		panic(err)
	}
	return n
}

// labCluster is the lab's, with a namespace of the test's own. Tests that use it
// share its one BGPConfiguration and router, so none of them is parallel.
type labCluster struct {
	*Cluster
	t         *testing.T
	namespace string
}

var coreV1 = schema.GroupVersion{Version: "v1"}

// lab skips without it, but not where CI promises one.
func lab(t *testing.T) *labCluster {
	t.Helper()
	if os.Getenv("YSTACK_LAB") == "" || os.Getenv("KUBECONFIG") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal(`no lab: run it up and eval "$(lab env)"`)
		}
		t.Skip(`needs the lab: eval "$(lab env)"`)
	}
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: os.Getenv("KUBECONFIG")}, &clientcmd.ConfigOverrides{}, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	l := &labCluster{c, t, "bgp-" + strings.ToLower(rand.Text()[:6])}
	l.reset(t.Context())
	l.create(coreV1.WithResource("namespaces"), "", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": l.namespace}})
	t.Cleanup(l.clean)
	return l
}

// clean removes what the test has made.
func (l *labCluster) clean() {
	ctx := context.Background()
	l.reset(ctx)
	_ = l.client.Dynamic.Resource(coreV1.WithResource("namespaces")).Delete(ctx, l.namespace, metav1.DeleteOptions{})
}

// reset withdraws whatever is advertised, by an earlier run or a demonstration.
func (l *labCluster) reset(ctx context.Context) {
	l.t.Helper()
	p, err := l.Withdraw(ctx, Request{All: true})
	if err == nil {
		err = l.Apply(ctx, p, 0)
	}
	if err != nil {
		l.t.Error(err)
	}
	peers, err := l.Peers(ctx)
	if err != nil {
		l.t.Error(err)
	}
	for _, p := range peers {
		if p.Ours() {
			if err := l.deletePeer(ctx, p.Metadata.Name, p.Metadata.UID, false); err != nil {
				l.t.Error(err)
			}
		}
	}
	_ = l.client.Dynamic.Resource(l.gvr("bgpfilters")).Delete(ctx, filterName, metav1.DeleteOptions{})
}

func (l *labCluster) create(gvr schema.GroupVersionResource, namespace string, object map[string]any) {
	l.t.Helper()
	_, err := l.client.Dynamic.Resource(gvr).Namespace(namespace).Create(l.t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
}

// service makes one, and returns its address. annotation may be empty.
func (l *labCluster) service(name, annotation string) string {
	l.t.Helper()
	metadata := map[string]any{"name": name, "namespace": l.namespace}
	if annotation != "" {
		metadata["annotations"] = map[string]any{Annotation: annotation}
	}
	l.create(coreV1.WithResource("services"), l.namespace, map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": metadata,
		"spec": map[string]any{"ports": []any{map[string]any{"port": int64(80)}}},
	})
	s, err := get[Service](l.t.Context(), l.client, servicesPath(l.namespace)+"/"+name)
	if err != nil {
		l.t.Fatal(err)
	}
	return s.Spec.ClusterIP
}

func (l *labCluster) delete(name string) {
	l.t.Helper()
	err := l.client.Dynamic.Resource(coreV1.WithResource("services")).Namespace(l.namespace).Delete(l.t.Context(), name, metav1.DeleteOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *labCluster) request(names ...string) Request {
	return Request{Namespace: l.namespace, Names: names}
}

// advertise carries out a request.
func (l *labCluster) advertise(r Request) {
	l.t.Helper()
	p, err := l.Advertise(l.t.Context(), r)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.Apply(l.t.Context(), p, long); err != nil {
		l.t.Fatal(err)
	}
}

// learned are the routes that the router has from the node.
func (l *labCluster) learned() []string {
	lines, err := bird.Ask(l.t.Context(), filepath.Join(os.Getenv("YSTACK_LAB"), "run/router.ctl"), "show route")
	if err != nil {
		l.t.Fatalf("the lab's router: %v", err)
	}
	var out []string
	for _, line := range lines {
		if prefix, _, ok := strings.Cut(line, " "); ok && strings.Contains(prefix, "/") {
			out = append(out, prefix)
		}
	}
	slices.Sort(out)
	return out
}

// awaitLearned waits until the router has learned exactly these.
func (l *labCluster) awaitLearned(prefixes ...string) {
	l.t.Helper()
	slices.Sort(prefixes)
	l.eventually(func() (bool, any) {
		got := l.learned()
		return slices.Equal(got, prefixes), got
	})
}

// eventually polls; what it saw last is in the failure.
func (l *labCluster) eventually(done func() (bool, any)) {
	l.t.Helper()
	for end := time.Now().Add(long); ; time.Sleep(200 * time.Millisecond) {
		ok, seen := done()
		if ok {
			return
		}
		if time.Now().After(end) {
			l.t.Fatalf("not after %v: %v", long, seen)
		}
	}
}

// foreign writes entries as somebody else does, who re-reads when it is told to.
func (l *labCluster) foreign(ctx context.Context, change func([]string) []string) error {
	for {
		g, err := l.readConfig(ctx)
		if err != nil {
			return err
		}
		own, err := g.record()
		if err != nil {
			return err
		}
		_, err = l.writeConfig(ctx, g.with([]Change{{List: ClusterIPs, After: change(g.entries(ClusterIPs))}}, own), false)
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}

func TestLabAdvertise(t *testing.T) {
	l := lab(t)
	hello := l.service("hello", "") + "/32"
	other := l.service("other", "") + "/32"

	r := l.request("hello")
	r.Peers = []NewPeer{{Neighbour: tor}}
	l.advertise(r)
	l.awaitLearned(hello)
	rows, err := l.Await(t.Context(), []string{l.namespace + "/hello"}, long)
	if err != nil || len(rows) != 1 || rows[0].Advertised != Yes || !slices.Equal(rows[0].Peers, []string{"10.89.0.1"}) {
		t.Errorf("%+v, %v", rows, err)
	}
	if p, err := l.Advertise(t.Context(), r); err != nil || !p.Empty() {
		t.Errorf("the same again: %+v, %v", p, err)
	}

	// Somebody else's entry stays, whatever we do; and is not ours for having been asked for.
	theirs := func(e []string) []string { return append(e, other) }
	if err := l.foreign(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.foreign(context.Background(), func(e []string) []string { return slices.DeleteFunc(e, func(s string) bool { return s == other }) })
	})
	l.awaitLearned(hello, other)
	l.advertise(l.request("other"))
	p, err := l.Withdraw(t.Context(), Request{All: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	l.awaitLearned(other)
	if g, err := l.readConfig(t.Context()); err != nil || g.object.GetAnnotations()[RecordAnnotation] != "" {
		t.Errorf("a record is left: %v, %v", g.object, err)
	}
}

// A Service that comes back under another address is followed, and one that is gone is withdrawn.
func TestLabWatch(t *testing.T) {
	l := lab(t)
	first := l.service("hello", "") + "/32"
	r := l.request("hello")
	r.Peers = []NewPeer{{Neighbour: tor}}
	l.advertise(r)
	l.awaitLearned(first)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- l.Watch(ctx, func(time.Duration) {}, func(r Round) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		})
	}()
	l.service("placeholder", "") // takes the next address, so that hello gets another one
	l.delete("hello")
	second := l.service("hello", "true") + "/32"
	l.awaitLearned(second)
	l.delete("hello")
	l.awaitLearned()
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watching ended with %v", err)
	}
}

// Five of us and five others change the list at the same time: nothing is lost.
func TestLabConcurrentEditors(t *testing.T) {
	l := lab(t)
	const editors = 5
	done := make(chan error, 2*editors)
	var want []string
	for i := range editors {
		name := "s" + string(rune('0'+i))
		want = append(want, l.service(name, "")+"/32")
		theirs := "10.96.255.24" + string(rune('0'+i)) + "/32"
		want = append(want, theirs)
		t.Cleanup(func() {
			_ = l.foreign(context.Background(), func(e []string) []string { return slices.DeleteFunc(e, func(s string) bool { return s == theirs }) })
		})
		go func() {
			p, err := l.Advertise(t.Context(), l.request(name))
			if err == nil {
				err = l.Apply(t.Context(), p, 0)
			}
			done <- err
		}()
		go func() {
			done <- l.foreign(t.Context(), func(e []string) []string { return append(e, theirs) })
		}()
	}
	for range 2 * editors {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	g, err := l.readConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := g.entries(ClusterIPs)
	for _, e := range want {
		if !slices.Contains(got, e) {
			t.Errorf("%s is lost: %v", e, got)
		}
	}
}

// A peer that never speaks with a node is not kept.
func TestLabPeerWithoutSession(t *testing.T) {
	l := lab(t)
	l.service("hello", "")
	for name, n := range map[string]NewPeer{
		"nobody there":    {Neighbour: mustNeighbour("10.89.0.99:64512")},
		"wrong AS number": {Neighbour: mustNeighbour("10.89.0.1:64999")},
	} {
		r := l.request("hello")
		r.Peers = []NewPeer{n}
		p, err := l.Advertise(t.Context(), r)
		if err != nil {
			t.Fatal(name, err)
		}
		err = l.Apply(t.Context(), p, 4*time.Second)
		if !errors.Is(err, ErrNoSession) || !strings.Contains(err.Error(), n.IP.String()) {
			t.Errorf("%s: %v", name, err)
		}
		if peers, err := l.Peers(t.Context()); err != nil || slices.ContainsFunc(peers, func(p Peer) bool { return p.Ours() }) {
			t.Errorf("%s: a peer is left: %+v, %v", name, peers, err)
		}
	}
	s, err := get[Service](t.Context(), l.client, servicesPath(l.namespace)+"/hello")
	if err != nil || s.Metadata.Annotations[Annotation] != "" {
		t.Errorf("the Service was annotated: %+v, %v", s, err)
	}
}

// At its other address the router wants a password.
func TestLabPassword(t *testing.T) {
	l := lab(t)
	hello := l.service("hello", "") + "/32"
	secret := "ystack-test-" + l.namespace
	l.create(coreV1.WithResource("secrets"), "kube-system", map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": secret},
		"stringData": map[string]any{"right": "guarded-secret", "wrong": "guarded"},
	})
	t.Cleanup(func() {
		_ = l.client.Dynamic.Resource(coreV1.WithResource("secrets")).Namespace("kube-system").Delete(context.Background(), secret, metav1.DeleteOptions{})
	})
	r := l.request("hello")
	for ref, want := range map[string]string{secret + "/wrong": "password (that of secret " + secret + "/wrong)", "": "password (none is set"} {
		r.Peers = []NewPeer{{Neighbour: mustNeighbour("10.89.0.2:64512"), Secret: ref}}
		p, err := l.Advertise(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Apply(t.Context(), p, 2*time.Second); !errors.Is(err, ErrNoSession) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", ref, err, want)
		}
	}
	r.Peers = []NewPeer{{Neighbour: mustNeighbour("10.89.0.2:64512"), Secret: secret + "/right"}}
	l.advertise(r)
	l.awaitLearned(hello)
	peers, err := l.PeerStatus(t.Context(), long)
	if err != nil || len(peers) != 1 || peers[0].Established != 1 || peers[0].Secret != secret+"/right" {
		t.Errorf("%+v, %v", peers, err)
	}
}

// An exact peer learns what ystack advertises, and not what others have configured.
func TestLabExactPeer(t *testing.T) {
	l := lab(t)
	hello := l.service("hello", "") + "/32"
	const theirs = "10.96.255.250/32"
	if err := l.foreign(t.Context(), func(e []string) []string { return append(e, theirs) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.foreign(context.Background(), func(e []string) []string { return slices.DeleteFunc(e, func(s string) bool { return s == theirs }) })
	})
	p, err := l.PlanPeers(t.Context(), NewPeer{Neighbour: tor, Exact: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(t.Context(), p, long); err != nil {
		t.Fatal(err)
	}
	l.advertise(l.request("hello"))
	l.awaitLearned(hello)
	if _, err := l.Await(t.Context(), []string{l.namespace + "/hello"}, long); err != nil {
		t.Error(err)
	}
}

// A Service that somebody replaces between plan and change is not annotated.
func TestLabReplacedService(t *testing.T) {
	l := lab(t)
	l.service("hello", "")
	p, err := l.Advertise(t.Context(), l.request("hello"))
	if err != nil {
		t.Fatal(err)
	}
	l.delete("hello")
	l.service("hello", "")
	if err := l.Apply(t.Context(), p, 0); !errors.Is(err, kube.ErrConflict) {
		t.Errorf("error %v", err)
	}
	s, err := l.client.Dynamic.Resource(coreV1.WithResource("services")).Namespace(l.namespace).Patch(t.Context(), "hello", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
	if err != nil || s.GetAnnotations()[Annotation] != "" {
		t.Errorf("%v, %v", s, err)
	}
}
