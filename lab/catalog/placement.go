//go:build linux

package catalog

import "github.com/ystackdev/ystack/lab/service"

const placementConf = `[DEFAULT]
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = sqlite:///{{.State "placement"}}/placement.db
`

// placement is where Nova keeps account of what its machines have left.
func placement() *service.Service {
	return component{
		name:     "placement",
		kind:     "placement",
		address:  placementAddress,
		health:   "/",
		needs:    []string{"keystone"},
		packages: []string{"python3-placement", "uwsgi-core", "uwsgi-plugin-python3"},
		files:    map[string]string{"placement.conf": placementConf + authToken("placement", "placement")},
		migrate: func(l *service.Lab) [][]string {
			return [][]string{python(l, nil, "placement-manage", "--config-file", l.Etc("placement/placement.conf"), "db", "sync")}
		},
		command: func(l *service.Lab) []string {
			// Two would both write the traits that they know when they start, and one of them finds the
			// database locked.
			return uwsgi(l, 1, []string{"OS_PLACEMENT_CONFIG_DIR=" + l.Etc("placement")}, placementAddress, "placement-api")
		},
	}.service()
}
