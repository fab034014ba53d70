//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

const site = `# The lab as a site. It is written anew by each "lab up".
apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: lab}
spec:
  openstack:
    cloud: lab
    build: {flavor: m1.small, network: private, sourceImage: debian-12, sshUser: debian}
  kubernetes: {context: lab}
  registries:
    push: 127.0.0.1:15000/apps
    bases: [127.0.0.1:15000/docker, 127.0.0.1:15001] # Artifactory, then what stands for Docker Hub
  archive: {oci: 127.0.0.1:15000/images}
  builder: {name: buildah}
`

const storage = `# Where buildah keeps images, so that "lab down" finds all of it.
[storage]
driver = "overlay"
graphroot = "{{.State "containers"}}"
runroot = "{{.Run "containers"}}"
`

// forward lets the machine use the node's servers under the addresses that
// they have inside, and writes what programs on the machine need for that.
func forward() *service.Service {
	return &service.Service{
		Name:     "forward",
		Needs:    []string{service.NodeName},
		Host:     true,
		Address:  "127.0.0.1",
		Packages: map[string]string{"buildah": "/usr/bin/buildah"},
		Files:    map[string]string{"site.yaml": site, "storage.conf": storage},
		// It names the addresses, so that up sees when there are others than before.
		Command: func(l *service.Lab) []string { return append([]string{l.Bin("lab"), "forward"}, HostPorts()...) },
		Ready: func(ctx context.Context, _ *service.Lab) error {
			return listening(ctx, HostPorts())
		},
	}
}

// Forward is what its process does; see node.Forward.
func Forward(ctx context.Context, l *service.Lab, addresses []string) error {
	return node.Forward(ctx, addresses, l.Holder)
}
