//go:build linux

package catalog

import (
	"context"
	"strings"
	"time"

	"github.com/ystackdev/ystack/lab/image"
	"github.com/ystackdev/ystack/lab/service"
)

const pauseImage = "lab.ystack.dev/pause:1"

const containerdTOML = `version = 2
root = "{{.State "containerd"}}"
state = "{{.Run "containerd"}}"

[grpc]
  address = "{{.Run "containerd.sock"}}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{{.State "containerd-opt"}}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pauseImage + `"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE runc dies of a lower score ("can't get final child's PID from pipe: EOF").
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{{.Etc "cni"}}"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{{.Etc "certs.d"}}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`

const cniConf = `{
  "cniVersion": "1.0.0",
  "name": "lab",
  "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
    "ipam": {
      "type": "host-local", "dataDir": "/var/lib/cni/networks",
      "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]
    }
  }]
}
`

func containerd() *service.Service {
	return &service.Service{
		Name:     "containerd",
		Needs:    []string{service.NodeName},
		Packages: map[string]string{"containerd": "/usr/bin/containerd", "runc": "/usr/sbin/runc", "containernetworking-plugins": "/usr/lib/cni/bridge"},
		Builds:   []string{"pause"},
		Files: map[string]string{
			"containerd.toml":                            containerdTOML,
			"cni/10-lab.conflist":                        cniConf,
			"certs.d/" + registryAddress + "/hosts.toml": plainHTTP(registryAddress),
			"certs.d/" + hubAddress + "/hosts.toml":      plainHTTP(hubAddress),
		},
		Command: func(l *service.Lab) []string {
			return []string{"/usr/bin/containerd", "--config", l.Etc("containerd.toml")}
		},
		Ready: func(ctx context.Context, l *service.Lab) error {
			_, err := ctr(ctx, l, "version")
			return err
		},
		Seed: importPause,
		Stop: removeContainers,
	}
}

func plainHTTP(address string) string {
	return "server = \"http://" + address + "\"\n[host.\"http://" + address + "\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
}

func ctr(ctx context.Context, l *service.Lab, args ...string) (string, error) {
	return run(ctx, l, append([]string{"/usr/bin/ctr", "--address", l.Run("containerd.sock"), "--namespace", "k8s.io"}, args...)...)
}

// importPause gives containerd the one image that no registry has.
func importPause(ctx context.Context, l *service.Lab) error {
	have, err := ctr(ctx, l, "images", "ls", "-q")
	if err != nil || strings.Contains(have, pauseImage) {
		return err
	}
	tar := l.Cache("pause.tar")
	if err := image.WritePause(tar, l.Bin("pause"), pauseImage); err != nil {
		return err
	}
	_, err = ctr(ctx, l, "images", "import", tar)
	return err
}

// removeContainers ends all pods and makes containerd forget them, so that
// the next start does not begin with mourning them.
func removeContainers(ctx context.Context, l *service.Lab) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	group, err := l.Cgroup()
	if err != nil {
		return err
	}
	if err := group.KillPods(); err != nil {
		return err
	}
	// A task may go by itself while it is being removed, and its container
	// cannot before it has: hence again, until none is left.
	for {
		list, err := ctr(ctx, l, "containers", "ls", "-q")
		names := strings.Fields(list)
		if err != nil || len(names) == 0 {
			return err
		}
		_, _ = ctr(ctx, l, append([]string{"tasks", "rm", "--force"}, names...)...)
		_, err = ctr(ctx, l, append([]string{"containers", "rm"}, names...)...)
		if err != nil && ctx.Err() != nil {
			return err
		}
	}
}
