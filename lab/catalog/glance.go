//go:build linux

package catalog

import (
	"github.com/ystackdev/ystack/lab/openstack"
	"github.com/ystackdev/ystack/lab/service"
)

const glanceConf = `[DEFAULT]
bind_host = 127.0.0.1
bind_port = 15092
workers = 0
use_stderr = true
enabled_backends = local:file
enabled_import_methods = [glance-direct,web-download,copy-image]
worker_self_reference_url = http://` + glanceAddress + `
[database]
connection = sqlite:///{{.State "glance"}}/glance.db
[glance_store]
default_backend = local
[local]
filesystem_store_datadir = {{.State "glance"}}/images
filesystem_store_chunk_size = 1048576
[os_glance_staging_store]
filesystem_store_datadir = {{.State "glance"}}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {{.State "glance"}}/tasks
[import_filtering_opts]
# Loopback is refused unless it is named.
allowed_ports = [80,443,8000,8080,18080]
allowed_hosts = [127.0.0.1,localhost]
[oslo_concurrency]
lock_path = {{.State "glance"}}/lock
[paste_deploy]
flavor = keystone
config_file = {{.Tree "usr/share/glance-common/glance-api-paste.ini"}}
`

func glance() *service.Service {
	return component{
		name:     "glance",
		kind:     "image",
		address:  glanceAddress,
		needs:    []string{"keystone"},
		packages: []string{"glance-api", "glance-common", "python3-glance"},
		files:    map[string]string{"glance-api.conf": glanceConf + authToken("glance", "image")},
		migrate: func(l *service.Lab) [][]string {
			return [][]string{python(l, nil, "glance-manage", "--config-file", l.Etc("glance/glance-api.conf"), "db_sync")}
		},
		command: func(l *service.Lab) []string {
			return python(l, nil, "glance-api", "--config-file", l.Etc("glance/glance-api.conf"))
		},
	}.service()
}

// authToken is the part of a component's configuration that has Keystone check
// its callers. Access rules of application credentials need to know the type.
func authToken(name, kind string) string {
	return `[keystone_authtoken]
www_authenticate_uri = ` + keystoneURL + `
auth_url = ` + keystoneURL + `
auth_type = password
username = ` + name + `
password = ` + openstack.ServicePassword + `
user_domain_id = default
project_name = service
project_domain_id = default
service_type = ` + kind + `
service_token_roles_required = true
memcached_servers = ` + memcachedAddress + `
`
}
