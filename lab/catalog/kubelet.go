//go:build linux

package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

// It looks at its state every second, so that ready is seen when it is so.
// The eviction thresholds are low, since the node shares its disk with the
// whole machine; and images are never collected, since nobody could pull the
// pause image again.
const kubeletYAML = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://{{.Run "containerd.sock"}}
cgroupDriver: cgroupfs
cgroupRoot: /{{.CgroupName}}
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "{{.Etc "pki/ca.crt"}}"}}
authorization: {mode: Webhook}
tlsCertFile: "{{.Etc "pki/kubelet.crt"}}"
tlsPrivateKeyFile: "{{.Etc "pki/kubelet.key"}}"
address: ` + node.Address + `
port: 10250
healthzPort: 10248
clusterDNS: [` + clusterDNS + `]
clusterDomain: ` + clusterDomain + `
resolvConf: ""
registerNode: true
nodeStatusUpdateFrequency: 1s
nodeStatusReportFrequency: 1m
serializeImagePulls: false
evictionHard: {memory.available: 100Mi, nodefs.available: "1%", imagefs.available: "1%", nodefs.inodesFree: "1%"}
imageGCHighThresholdPercent: 100
volumePluginDir: {{.State "volumeplugins"}}
podLogsDir: {{.State "podlogs"}}
`

func kubelet() *service.Service {
	return &service.Service{
		Name:     "kubelet",
		Needs:    []string{"kube-apiserver", "containerd"},
		Address:  node.Address + ":10250",
		Builds:   []string{"kubernetes"},
		Files:    map[string]string{"kubelet.yaml": kubeletYAML},
		Packages: map[string]string{"iptables": "/usr/sbin/iptables"},
		Command: func(l *service.Lab) []string {
			return []string{
				l.Bin("kubelet"), "--config=" + l.Etc("kubelet.yaml"), "--kubeconfig=" + l.Etc("kubelet.kubeconfig"),
				"--root-dir=" + l.State("kubelet"), "--cert-dir=" + filepath.Join(l.State("kubelet"), "pki"),
				"--hostname-override=" + nodeName, "--node-ip=" + node.Address,
			}
		},
		Ready: nodeReady,
	}
}

// nodeReady asks the kubelet, then the API server. What that one shows counts
// only if this very kubelet has reported it, not the one before.
func nodeReady(ctx context.Context, l *service.Lab) error {
	if _, err := get(ctx, l, "http://127.0.0.1:10248/healthz"); err != nil {
		return err
	}
	body, err := get(ctx, l, apiURL+"/api/v1/nodes/"+nodeName)
	if err != nil {
		return err
	}
	r, _ := l.Record("kubelet")
	return readySince(body, r.Since)
}

// readySince reads the condition Ready of a Node.
func readySince(object []byte, start time.Time) error {
	var n struct {
		Status struct {
			Conditions []struct {
				Type, Status, Message string
				LastHeartbeatTime     time.Time
			}
		}
	}
	if err := json.Unmarshal(object, &n); err != nil {
		return err
	}
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type != "Ready":
		case c.LastHeartbeatTime.Before(start):
			return fmt.Errorf("node %s has not reported since %s", nodeName, start.Format(time.TimeOnly))
		case c.Status != "True":
			return fmt.Errorf("node %s is not Ready: %s", nodeName, c.Message)
		default:
			return nil
		}
	}
	return fmt.Errorf("node %s does not say whether it is Ready", nodeName)
}
