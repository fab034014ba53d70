//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// calico brings Calico's definitions into a cluster, under another group and
// version if they are changed.
func (s *apiServer) calico(t *testing.T, change ...string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(os.Getenv("YSTACK_LAB"), "bin/calico-crd/*.yaml"))
	if len(files) == 0 {
		t.Fatal("the lab has no definitions of Calico's; `lab up` brings them")
	}
	var all []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.NewReplacer(change...).Replace(string(data)))
	}
	s.apply(t, strings.Join(all, "\n---\n"))
	s.served(t, len(files), strings.NewReplacer(change...).Replace("crd.projectcalico.org"))
}

// served waits until the API server lists as many resources of a group: it does so
// a moment after the definitions are established.
func (s *apiServer) served(t *testing.T, resources int, group string) {
	t.Helper()
	eventually(t, func() error {
		out, err := s.command("api-resources", "--api-group="+group, "-o", "name").CombinedOutput()
		if n := len(strings.Fields(string(out))); err != nil || n != resources {
			return fmt.Errorf("%d resources, %v: %s", n, err, out)
		}
		return nil
	})
}

func (s *apiServer) apply(t *testing.T, manifest string) {
	t.Helper()
	cmd := s.command("apply", "--server-side", "--validate=false", "-f", "-")
	cmd.Stdin = strings.NewReader(manifest)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func (s *apiServer) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// advertise runs `kubectl ystack advertise-clusterip`, and returns what it says.
func (s *apiServer) advertise(args ...string) (string, error) {
	cmd := exec.Command("kubectl-ystack", append([]string{"advertise-clusterip", "--kubeconfig=" + s.kubeconfig}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// old is how Calico's definition was before Services could be advertised.
const old = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: KINDs.crd.projectcalico.org}
spec:
  group: crd.projectcalico.org
  names: {kind: NAME, listKind: NAMEList, plural: KINDs, singular: KIND}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {asNumber: {type: integer}}}}}}
`

const calicoNode = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      containers: [{name: calico-node, image: calico, env: [{name: CALICO_ADVERTISE_CLUSTER_IPS, value: 10.96.0.0/12}]}]
`

// Clusters on which it cannot work, one after the other: the error says why, and
// the Service stays as it was.
func TestAdvertiseRefusals(t *testing.T) {
	needLab(t)
	s := startAPIServer(t, "--authorization-mode=RBAC")
	s.must(t, "create", "service", "clusterip", "hello", "--tcp=80")
	s.must(t, "create", "clusterrole", "viewer", "--verb=get,list", "--resource=services,nodes")
	s.must(t, "create", "clusterrolebinding", "viewer", "--clusterrole=viewer", "--user=viewer")
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := s.advertise(append([]string{"hello"}, args...)...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: %s; want %q", err, out, want)
		}
		if out := s.must(t, "get", "service", "hello", "-o", "yaml"); strings.Contains(out, "ystack.dev") {
			t.Errorf("%s: the Service was annotated all the same", want)
		}
	}

	refused("does not run Calico")
	for kind, name := range map[string]string{"bgpconfiguration": "BGPConfiguration", "bgppeer": "BGPPeer"} {
		s.apply(t, strings.NewReplacer("KIND", kind, "NAME", name).Replace(old))
	}
	s.served(t, 2, "crd.projectcalico.org")
	refused("does not know serviceClusterIPs and would drop it")

	s.calico(t)
	refused(`user "viewer" may not`, "--as=viewer")
	s.must(t, "create", "clusterrole", "watcher", "--verb=get,list", "--resource=bgppeers.crd.projectcalico.org,bgpconfigurations.crd.projectcalico.org")
	s.must(t, "create", "clusterrolebinding", "watcher", "--clusterrole=watcher", "--user=viewer")
	refused(`user "viewer" may not patch services`, "--as=viewer")
	s.apply(t, calicoNode)
	refused("CALICO_ADVERTISE_CLUSTER_IPS=10.96.0.0/12")
	s.must(t, "set", "env", "-n", "kube-system", "daemonset/calico-node", "CALICO_ADVERTISE_CLUSTER_IPS-")

	eventually(t, func() error { // the new definitions replace the old ones a moment later
		if out, err := s.advertise("hello", "--wait=0"); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// Where Calico's own API is served, that is used: it validates what the CRDs take.
func TestAdvertiseThroughCalicoAPI(t *testing.T) {
	needLab(t)
	s := startAPIServer(t, "--authorization-mode=RBAC")
	s.calico(t)
	s.calico(t, "crd.projectcalico.org", "projectcalico.org", "- name: v1\n", "- name: v3\n")
	s.must(t, "create", "service", "clusterip", "hello", "--tcp=80")
	out, err := s.advertise("hello", "--wait=0", "--peer=192.0.2.1:64512")
	if err != nil || !strings.Contains(out, "bgpconfiguration.projectcalico.org/default serviceClusterIPs: (none) → 10.97.0.") {
		t.Errorf("%v: %s", err, out)
	}
	if out := s.must(t, "get", "bgpconfigurations.projectcalico.org,bgppeers.projectcalico.org", "-o", "name"); !strings.Contains(out, "/default") || !strings.Contains(out, "/ystack-192-0-2-1") {
		t.Errorf("%s", out)
	}
	if out := s.must(t, "get", "bgpconfigurations.crd.projectcalico.org,bgppeers.crd.projectcalico.org", "-o", "name"); strings.TrimSpace(out) != "" {
		t.Errorf("written to the CRDs too: %s", out)
	}
	if out, err := s.advertise("status", "--wait=1s", "-o=jsonpath={.services[0].advertised}"); err != nil || out != "no" && out != "unknown" {
		t.Errorf("%v: %s", err, out)
	}
	s.watchAdvertised(t)
}

// watchAdvertised deletes the Service that is advertised, and follows what is logged and
// counted of that.
func (s *apiServer) watchAdvertised(t *testing.T) {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	cmd := exec.Command("kubectl-ystack", "advertise-clusterip", "--kubeconfig="+s.kubeconfig, "--watch", "--listen="+address)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	counts := func(want string) {
		t.Helper()
		eventually(t, func() error {
			out, err := exec.Command("curl", "-fsS", "http://"+address+"/readyz", "http://"+address+"/metrics").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "ok\n") || !strings.Contains(string(out), "ystack_advertise_clusterip_"+want+"\n") {
				return fmt.Errorf("%w: no %s in %s", err, want, out)
			}
			return nil
		})
	}
	counts(`entries{list="serviceClusterIPs"} 1`)
	s.must(t, "delete", "service", "hello")
	counts(`entries{list="serviceClusterIPs"} 0`)
	counts(`changes_total{action="remove"} 1`)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
	var told []string
	for lines := json.NewDecoder(&log); lines.More(); {
		var line struct{ Msg, Action, For string }
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		told = append(told, strings.TrimSpace(line.Msg+" "+line.Action+" "+line.For))
	}
	if got := strings.Join(told, ", "); got != "starting, listening, round, changed remove default/hello, round, ended" {
		t.Error(got)
	}
}

// While one range of ClusterIPs is advertised whole, another one is reported.
func TestAdvertiseSecondServiceCIDR(t *testing.T) {
	needLab(t)
	s := startAPIServer(t, "--authorization-mode=RBAC") // its range is 10.97.0.0/24
	s.calico(t)
	s.apply(t, "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: second}, spec: {cidrs: [10.95.0.0/24]}}")
	const report = "10.97.0.0/24 is advertised, but not 10.95.0.0/24 (ServiceCIDR second)"
	for _, c := range []struct {
		command string
		reports bool
	}{
		{"--cidr=10.97.0.0/24 --wait=0", true}, {"status --wait=0", true}, {"--cidr --wait=0", false}, {"status --wait=0", false},
	} {
		if out, err := s.advertise(strings.Fields(c.command)...); err != nil || strings.Contains(out, report) != c.reports {
			t.Errorf("%s: %v: %s", c.command, err, out)
		}
	}
}

// Both address families: a BGPConfiguration, a filter and a peer as Calico's definitions
// have them. The lab's own router speaks IPv4 only.
func TestAdvertiseDualStack(t *testing.T) {
	needLab(t)
	s := startAPIServer(t, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.97.0.0/24,fd00:97::/112")
	s.calico(t)
	s.apply(t, `{apiVersion: v1, kind: Service, metadata: {name: both, namespace: default}, spec: {ipFamilyPolicy: RequireDualStack, clusterIP: 10.97.0.7, clusterIPs: [10.97.0.7, "fd00:97::7"], ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: six, namespace: default}, spec: {ipFamilies: [IPv6], clusterIP: "fd00:97::6", clusterIPs: ["fd00:97::6"], ports: [{port: 80}]}}
---
{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: v6}, spec: {cidr: "fd00:244::/64"}}`)
	must := func(args ...string) string {
		t.Helper()
		out, err := s.advertise(args...)
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return out
	}
	has := func(resource, path, want string) {
		t.Helper()
		if got := strings.TrimSpace(s.must(t, "get", resource, "-o", "jsonpath="+path)); got != want {
			t.Errorf("%s %s: %q, want %q", resource, path, got, want)
		}
	}
	const entries = "{.spec.serviceClusterIPs[*].cidr}"
	must("peers", "add", "[2001:db8::1]:64512", "--exact", "--wait=0")
	must("both", "six", "--wait=0")
	has("bgpconfigurations/default", entries, "10.97.0.7/32 fd00:97::6/128 fd00:97::7/128")
	has("bgppeers", "{.items[*].spec.peerIP}", "2001:db8::1")
	has("bgpfilters/ystack-advertised", "{.spec.exportV6[0].cidr} {.spec.exportV6[1].cidr}", "fd00:97::6/128 fd00:97::7/128")
	for _, row := range []string{"default/both 10.97.0.7", "default/both fd00:97::7", "default/six fd00:97::6"} {
		if out := strings.Join(strings.Fields(must("status", "--wait=0")), " "); !strings.Contains(out, row) {
			t.Errorf("no %q in %s", row, out)
		}
	}
	must("withdraw", "both")
	has("bgpconfigurations/default", entries, "fd00:97::6/128")
	must("--cidr", "--wait=0")
	has("bgpconfigurations/default", entries, "fd00:97::6/128 10.97.0.0/24 fd00:97::/112")
	for _, args := range [][]string{{"--cidr=fd00:244::/80", "overlaps the pods' range"}, {"six", "--peer=[fd00:97::1]:64512", "Services' range"}} {
		if out, err := s.advertise(append(args[:len(args)-1:len(args)-1], "--wait=0")...); err == nil || !strings.Contains(out, args[len(args)-1]) {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
}
