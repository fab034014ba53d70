//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/service"
)

const (
	registryAddress = "127.0.0.1:15000" // stands for Artifactory's docker repository
	hubAddress      = "127.0.0.1:15001" // stands for Docker Hub
)

// registry is one of the lab's image registries, both of the same program.
func registry(name, address string, seed func(context.Context, *service.Lab) error) *service.Service {
	return &service.Service{
		Name:     name,
		Needs:    []string{service.NodeName},
		Address:  "http://" + address,
		Packages: map[string]string{"docker-registry": "/usr/bin/docker-registry", "ca-certificates": "/etc/ssl/certs/ca-certificates.crt"},
		Unpack:   []string{"busybox-static"},
		Files: map[string]string{name + ".yml": `version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: "{{.State "` + name + `"}}"}
  delete: {enabled: true}
http: {addr: "` + address + `"}
`},
		Command: func(l *service.Lab) []string {
			return []string{"/usr/bin/docker-registry", "serve", l.Etc(name + ".yml")}
		},
		Ready: answers("http://" + address + "/v2/"),
		Seed:  seed,
	}
}
