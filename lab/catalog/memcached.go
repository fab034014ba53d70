//go:build linux

package catalog

import (
	"strings"

	"github.com/ystackdev/ystack/lab/service"
)

// memcached is what Keystone's workers share: with a cache in each of them, one
// would not see what another has just revoked.
func memcached() *service.Service {
	host, port, _ := strings.Cut(memcachedAddress, ":")
	return &service.Service{
		Name:    "memcached",
		Needs:   []string{service.NodeName},
		Address: memcachedAddress,
		Tree:    []string{"memcached"},
		Command: func(l *service.Lab) []string {
			return inTree(l, nil, l.Tree("usr/bin/memcached"), "-u", "nobody", "-l", host, "-p", port, "-m", "128")
		},
		Ready: accepts(memcachedAddress),
	}
}
