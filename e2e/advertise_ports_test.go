//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

const labNeutron = "http://127.0.0.1:15696"

// neutron is the lab's, with networks of a test's own.
type neutron struct {
	t       *testing.T
	session *keystone.Session
}

func newNeutron(t *testing.T) *neutron {
	t.Helper()
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab", Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(cfg, "e2e")
	if err != nil {
		t.Fatal(err)
	}
	return &neutron{t, keystone.NewSession(client, cfg)}
}

// do returns the status; out may be nil.
func (n *neutron) do(method, path string, in, out any) (int, error) {
	data, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	r, err := n.session.Request(n.t.Context(), method, "network", path, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := n.session.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(body, out)
	}
	if answer.StatusCode >= 300 && err == nil {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, body)
	}
	return answer.StatusCode, err
}

type addressPair struct {
	Address string `json:"ip_address"`
	MAC     string `json:"mac_address,omitempty"`
}

type nodePort struct {
	ID    string        `json:"id"`
	Pairs []addressPair `json:"allowed_address_pairs"`
}

// port makes a network with a port that has these addresses. All goes with the test.
func (n *neutron) port(device string, addresses map[string]string) string {
	n.t.Helper()
	must := func(path string, in, out any) {
		n.t.Helper()
		if _, err := n.do(http.MethodPost, path, in, out); err != nil {
			n.t.Fatal(err)
		}
	}
	var network struct{ Network struct{ ID string } }
	must("/v2.0/networks", map[string]any{"network": map[string]any{"name": "e2e-nodes-" + random()}}, &network)
	n.t.Cleanup(func() { n.remove("/v2.0/networks/" + network.Network.ID) })
	var fixed []any
	for address, cidr := range addresses {
		version := 4
		if strings.Contains(cidr, ":") {
			version = 6
		}
		must("/v2.0/subnets", map[string]any{"subnet": map[string]any{"network_id": network.Network.ID, "cidr": cidr, "ip_version": version, "enable_dhcp": false}}, nil)
		fixed = append(fixed, map[string]any{"ip_address": address})
	}
	var made struct{ Port nodePort }
	must("/v2.0/ports", map[string]any{"port": map[string]any{"network_id": network.Network.ID, "device_id": device, "fixed_ips": fixed}}, &made)
	n.t.Cleanup(func() { n.remove("/v2.0/ports/" + made.Port.ID) })
	return made.Port.ID
}

// remove is for what goes even when the test's context has ended.
func (n *neutron) remove(path string) {
	out, err := exec.Command("sh", "-c", `curl -fsS -X DELETE -H "X-Auth-Token: $(openstack --os-cloud lab token issue -f value -c id)" "$0"`, labNeutron+path).CombinedOutput()
	if err != nil {
		n.t.Errorf("%s: %v: %s", path, err, out)
	}
}

func (n *neutron) pairs(port string) (p nodePort, addresses []string) {
	n.t.Helper()
	var out struct{ Port nodePort }
	if _, err := n.do(http.MethodGet, "/v2.0/ports/"+port, nil, &out); err != nil {
		n.t.Fatal(err)
	}
	for _, pair := range out.Port.Pairs {
		addresses = append(addresses, pair.Address)
	}
	slices.Sort(addresses)
	return out.Port, addresses
}

// TestAdvertisePorts: nodes of two address families whose Neutron ports drop what is routed.
func TestAdvertisePorts(t *testing.T) {
	needMachines(t)
	n := newNeutron(t)
	id := "11111111-2222-4333-8444-" + fmt.Sprintf("%012x", os.Getpid())
	addresses := map[string]string{"192.0.2.10": "192.0.2.0/24", "2001:db8::10": "2001:db8::/64"}
	own := n.port(id, addresses)
	others := n.port("of-another", addresses) // somebody else's network may have the same ones

	s := startAPIServer(t, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.97.0.0/24,fd00:97::/112")
	s.calico(t)
	s.apply(t, `{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: v4}, spec: {cidr: 10.244.0.0/16}}
---
{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: v6}, spec: {cidr: "fd00:244::/64"}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {providerID: "openstack:///`+id+`"}}
---
{apiVersion: v1, kind: Service, metadata: {name: hello, namespace: default}, spec: {ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}}`)
	status := `{"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.10"},{"type":"InternalIP","address":"2001:db8::10"}]}}`
	s.must(t, "patch", "node", "n1", "--subresource=status", "--type=merge", "-p", status)
	if out, err := s.advertise("hello", "--wait=0", "--peer=192.0.2.1:64512"); err != nil || !strings.Contains(out, "/32, fd00:97::") || !strings.Contains(out, "/128") {
		t.Fatalf("%v: %s", err, out)
	}
	all := []string{"10.244.0.0/16", "10.97.0.0/24", "fd00:244::/64", "fd00:97::/112"}
	verify := func(want string, args ...string) {
		t.Helper()
		out, _ := s.advertise(append([]string{"verify", "hello", "--wait=0", "--each=100ms", "--os-cloud=lab"}, args...)...)
		if !strings.Contains(out, want) {
			t.Errorf("%v: it does not say %q:\n%s", args, want, out)
		}
	}
	verify("Neutron drops packets of 10.97.0.0/24, 10.244.0.0/16, fd00:97::/112, fd00:244::/64 at port " + own)
	verify("(client dry run)", "--fix", "--dry-run")
	if _, has := n.pairs(own); len(has) > 0 {
		t.Errorf("a dry run added %v", has)
	}

	// Whenever it is about to mend the port, somebody else is faster: nothing of theirs is lost.
	for i := range 3 {
		all = append(all, fmt.Sprintf("198.51.100.%d", i+1))
	}
	n.beforePut(all[4:], own)
	verify("1 Neutron ports let 10.97.0.0/24, 10.244.0.0/16, fd00:97::/112, fd00:244::/64 through", "--fix")
	slices.Sort(all)
	if _, has := n.pairs(own); !slices.Equal(has, all) {
		t.Errorf("the port has %v, want %v", has, all)
	}
	if _, has := n.pairs(others); len(has) > 0 {
		t.Errorf("a port of somebody else's got %v", has)
	}
	verify("1 Neutron ports let")
	s.must(t, "patch", "node", "n1", "--subresource=status", "--type=merge", "-p", strings.ReplaceAll(status, "::10", "::11"))
	verify("1 Neutron ports let") // by its other address
	s.must(t, "patch", "node", "n1", "--subresource=status", "--type=merge", "-p", `{"status":{"addresses":[]}}`)
	verify("no Neutron port that this project may see")
}

// beforePut lets ystack speak to a Neutron where somebody adds one of the addresses to the
// port before each PUT.
func (n *neutron) beforePut(theirs []string, port string) {
	n.t.Helper()
	target, err := url.Parse(labNeutron)
	if err != nil {
		n.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && len(theirs) > 0 {
			now, _ := n.pairs(port)
			in := map[string]any{"port": map[string]any{"allowed_address_pairs": append(now.Pairs, addressPair{Address: theirs[0]})}}
			if _, err := n.do(http.MethodPut, "/v2.0/ports/"+port, in, nil); err != nil {
				n.t.Error(err)
			}
			theirs = theirs[1:]
		}
		proxy.ServeHTTP(w, r)
	}))
	n.t.Cleanup(server.Close)
	clouds, err := os.ReadFile(os.Getenv("OS_CLIENT_CONFIG_FILE"))
	if err != nil {
		n.t.Fatal(err)
	}
	file := filepath.Join(n.t.TempDir(), "clouds.yaml")
	changed := strings.Replace(string(clouds), "  lab:\n", "  lab:\n    network_endpoint_override: "+server.URL+"\n", 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.t.Setenv("OS_CLIENT_CONFIG_FILE", file)
}
