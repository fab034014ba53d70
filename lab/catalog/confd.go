//go:build linux

package catalog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// What Calico's installation would have written. Pod routes stay at home: the
// pods' network is not Calico's, and the router should hold what is advertised.
const calicoYAML = `apiVersion: crd.projectcalico.org/v1
kind: ClusterInformation
metadata: {name: default}
spec: {calicoVersion: v3.28.4, clusterType: "k8s,bgp,kdd", datastoreReady: true}
---
apiVersion: crd.projectcalico.org/v1
kind: BGPConfiguration
metadata: {name: default}
spec: {asNumber: ` + nodeAS + `, nodeToNodeMeshEnabled: false, logSeverityScreen: Info}
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: pods}
spec: {cidr: 10.244.0.0/16, blockSize: 26, ipipMode: Never, vxlanMode: Never, natOutgoing: true, nodeSelector: all(), disableBGPExport: true}
---
apiVersion: v1
kind: Node
metadata:
  name: ` + nodeName + `
  annotations: {projectcalico.org/IPv4Address: ` + node.Uplink + `/24}
`

// confd is Calico's own: it turns Calico's objects into BIRD's configuration.
func confd() *service.Service {
	return &service.Service{
		Name:   "confd",
		Needs:  []string{"kube-apiserver", "kubelet"}, // kubelet makes the Node
		Builds: []string{"confd", "kubernetes"},
		Unpack: []string{"bird"}, // it tells BIRD to read its configuration again
		Files:  map[string]string{"calico.yaml": calicoYAML},
		Configure: func(ctx context.Context, l *service.Lab) error {
			if err := installCalico(ctx, l); err != nil {
				return err
			}
			return confdDir(l)
		},
		Command: func(l *service.Lab) []string {
			return []string{
				"/usr/bin/env", "DATASTORE_TYPE=kubernetes", "KUBECONFIG=" + l.Kubeconfig(), "NODENAME=" + nodeName,
				"CALICO_ROUTER_ID=", "BGP_LOGSEVERITYSCREEN=info", l.Bin("confd"), "-confdir=" + l.State("confd"),
			}
		},
		Ready: func(_ context.Context, l *service.Lab) error {
			var errs []error
			for _, name := range birdFiles() {
				_, err := os.Stat(l.State("confd/config/" + name + ".cfg"))
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
	}
}

// installCalico brings Calico's definitions and the objects above.
func installCalico(ctx context.Context, l *service.Lab) error {
	if err := applyPath(ctx, l, l.Bin("calico-crd")); err != nil {
		return err
	}
	if _, err := run(ctx, l, l.Bin("kubectl"), "--kubeconfig", l.Kubeconfig(), "--cache-dir", l.State("kubectl"),
		"wait", "--for=condition=Established", "--timeout=60s", "-f", l.Bin("calico-crd")); err != nil {
		return err
	}
	return apply(ctx, l, "calico.yaml")
}

// birdFiles are BIRD's configuration for IPv4: the first includes the others.
func birdFiles() []string { return []string{"bird", "bird_aggr", "bird_ipam"} }

// tunnel is an attribute that only Calico's fork of BIRD knows.
var tunnel = regexp.MustCompile(`(?m)^\s*krt_tunnel = .*\n`)

// confdDir is Calico's configuration of confd for IPv4, with this lab's paths.
func confdDir(l *service.Lab) error {
	dir := l.State("confd")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	paths := strings.NewReplacer("/etc/calico/confd/config", filepath.Join(dir, "config"),
		"//NODENAME", "/"+nodeName, "sv hup bird", l.Cache("bird/usr/sbin/birdc")+" -s "+l.Run("bird.ctl")+" configure")
	for _, name := range birdFiles() {
		toml, err := os.ReadFile(l.Bin("calico-confd/conf.d/" + name + ".toml"))
		if err != nil {
			return err
		}
		template, err := os.ReadFile(l.Bin("calico-confd/templates/" + name + ".cfg.template"))
		if err != nil {
			return err
		}
		// Its check runs on one file alone, which includes others.
		text := regexp.MustCompile(`(?m)^check_cmd.*\n`).ReplaceAllString(paths.Replace(string(toml)), "")
		for file, data := range map[string]string{
			"conf.d/" + name + ".toml":            text,
			"templates/" + name + ".cfg.template": tunnel.ReplaceAllString(string(template), ""),
		} {
			if err := process.WriteFile(filepath.Join(dir, file), []byte(data), 0o644); err != nil {
				return err
			}
		}
	}
	return os.MkdirAll(filepath.Join(dir, "config"), 0o755)
}
