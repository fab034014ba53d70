//go:build linux

package catalog

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/ystackdev/ystack/lab/machine"
	"github.com/ystackdev/ystack/lab/openstack"
	"github.com/ystackdev/ystack/lab/service"
)

const novaConf = `[DEFAULT]
compute_driver = libvirt.LibvirtDriver
transport_url = fake://
host = lab-compute
my_ip = 127.0.0.1
state_path = {{.State "nova"}}
instances_path = {{.State "nova"}}/instances
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = 15774
osapi_compute_workers = 1
use_stderr = true
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
service_down_time = 600
force_config_drive = true
running_deleted_instance_action = log
resume_guests_state_on_host_boot = true
reserved_host_memory_mb = 512
reserved_host_disk_mb = 0
ram_allocation_ratio = 1.0
cpu_allocation_ratio = 16.0
disk_allocation_ratio = 16.0
shutdown_timeout = 30
[libvirt]
virt_type = qemu
cpu_mode = none
images_type = qcow2
inject_partition = -2
disk_cachemodes = file=unsafe
snapshot_compression = true
connection_uri = qemu+unix:///system?socket={{.State "libvirt"}}/run/libvirt-sock
# It is root already and needs no sudo.
[nova_sys_admin]
helper_command = /usr/bin/python3 /usr/bin/privsep-helper --config-file {{.Etc "nova/nova.conf"}}
[vif_plug_linux_bridge_privileged]
helper_command = /usr/bin/python3 /usr/bin/privsep-helper --config-file {{.Etc "nova/nova.conf"}}
[vif_plug_ovs_privileged]
helper_command = /usr/bin/python3 /usr/bin/privsep-helper --config-file {{.Etc "nova/nova.conf"}}
[os_brick_privileged]
helper_command = /usr/bin/python3 /usr/bin/privsep-helper --config-file {{.Etc "nova/nova.conf"}}
[wsgi]
api_paste_config = {{.Tree "usr/share/nova-common/api-paste.ini"}}
[api_database]
connection = sqlite:///{{.State "nova"}}/api.db
[database]
connection = sqlite:///{{.State "nova"}}/nova.db
[conductor]
workers = 1
[scheduler]
workers = 1
[upgrade_levels]
compute = auto
[vnc]
enabled = false
[glance]
api_servers = http://` + glanceAddress + `
[neutron]
endpoint_override = http://` + neutronAddress + `
`

const novaPolicy = `[oslo_concurrency]
lock_path = {{.State "nova"}}/lock
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
enforce_scope = false
enforce_new_defaults = false
`

// novaProgram is all of Nova's servers in one process, which talk to each other in
// memory: a message bus would be a service more, and hundreds of MiB.
const novaProgram = `import nova.cmd  # first: it makes the library cooperative
import sys

import nova.conf
import os_vif
from nova import config, objects, service
from nova.compute import rpcapi as compute
from nova.conductor import rpcapi as conductor
from nova.scheduler import rpcapi as scheduler
from oslo_log import log
from oslo_service import service as launcher

config.parse_args(sys.argv)
log.setup(nova.conf.CONF, 'nova')
objects.register_all()
os_vif.initialize()
all = launcher.ServiceLauncher(nova.conf.CONF, restart_method='reload')
for name, topic in ('nova-conductor', conductor.RPC_TOPIC), ('nova-scheduler', scheduler.RPC_TOPIC), ('nova-compute', compute.RPC_TOPIC):
    all.launch_service(service.Service.create(binary=name, topic=topic))
all.launch_service(service.WSGIService('osapi_compute'))
all.wait()
`

// nova is the compute service, with real machines under emulation.
func nova() *service.Service {
	c := component{
		name:     "nova",
		kind:     "compute",
		address:  novaAddress,
		path:     "/v2.1",
		health:   "/",
		needs:    []string{"keystone", "glance", "placement", "neutron", "libvirt"},
		packages: append([]string{"python3-nova", "nova-common", "python3-libvirt", "genisoimage", "packer"}, machine.Packages()...),
		files:    map[string]string{"nova.conf": novaSettings(), "servers.py": novaProgram},
		migrate:  novaMigrations,
		command: func(l *service.Lab) []string {
			return l.OverTree(nil, "/usr/bin/python3", l.Etc("nova/servers.py"), "--config-file", l.Etc("nova/nova.conf"))
		},
		seed: seedNova,
	}
	s := c.service()
	s.Configure = func(ctx context.Context, l *service.Lab) error {
		// It asks the others for their help before it is ready itself.
		return errors.Join(c.register(ctx, l), c.makeDatabase(ctx, l), os.MkdirAll(l.State("nova/instances"), 0o755))
	}
	answers := s.Ready
	s.Ready = func(ctx context.Context, l *service.Lab) error {
		if err := answers(ctx, l); err != nil {
			return err
		}
		return novaHasHost(ctx, l)
	}
	return s
}

func novaSettings() string {
	var text strings.Builder
	text.WriteString(novaConf + serviceAuth("nova"))
	for _, section := range []string{"placement", "keystone", "cinder", "service_user"} {
		text.WriteString("[" + section + "]\n" + serviceAuth("nova"))
	}
	text.WriteString("send_service_user_token = true\n" + novaPolicy + authToken("nova", "compute"))
	return text.String()
}

// serviceAuth is how a component speaks to another one.
func serviceAuth(name string) string {
	return `auth_type = password
auth_url = ` + keystoneURL + `
username = ` + name + `
password = ` + openstack.ServicePassword + `
user_domain_id = default
project_name = service
project_domain_id = default
region_name = ` + openstack.Region + `
`
}

func novaManage(l *service.Lab, args ...string) []string {
	return l.OverTree(nil, append([]string{"/usr/bin/python3", "/usr/bin/nova-manage", "--config-file", l.Etc("nova/nova.conf")}, args...)...)
}

func novaMigrations(l *service.Lab) [][]string {
	cell := "sqlite:///" + l.State("nova")
	return [][]string{
		novaManage(l, "api_db", "sync"),
		novaManage(l, "cell_v2", "map_cell0", "--database_connection", cell+"/cell0.db"),
		novaManage(l, "db", "sync"),
		novaManage(l, "cell_v2", "create_cell", "--name", "cell1", "--transport-url", "fake://", "--database_connection", cell+"/nova.db"),
	}
}

// novaHasHost: until the compute service has said so, no machine can be put anywhere.
func novaHasHost(ctx context.Context, l *service.Lab) error {
	has, err := novaHas(ctx, l, "nova.db", "compute_nodes")
	if err == nil && !has {
		err = errors.New("its compute service has not reported yet")
	}
	return err
}

// novaHas tells whether a table of its databases has anything.
func novaHas(ctx context.Context, l *service.Lab, file, table string) (bool, error) {
	const script = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1], timeout=3).execute('SELECT count(*) FROM ' + sys.argv[2]).fetchone()[0])"
	out, err := run(ctx, l, "/usr/bin/python3", "-c", script, l.State("nova/"+file), table)
	return strings.TrimSpace(out) != "0", err
}

// mapHost lets the scheduler know the host at once; it would look for it every now and then.
func mapHost(ctx context.Context, l *service.Lab) error {
	mapped, err := novaHas(ctx, l, "api.db", "host_mappings")
	if err == nil && !mapped {
		_, err = run(ctx, l, novaManage(l, "cell_v2", "discover_hosts")...)
	}
	return err
}

// seedNova gives it a place for machines, sizes of machines, an image to boot, and
// people the programs that make images.
func seedNova(ctx context.Context, l *service.Lab) error {
	if err := mapHost(ctx, l); err != nil {
		return err
	}
	if err := keystoneClient(l).SeedFlavors(ctx, "http://"+novaAddress+"/v2.1", []openstack.Flavor{
		{Name: "m1.tiny", MemoryMiB: 256, DiskGiB: 2},
		{Name: "m1.small", MemoryMiB: 512, DiskGiB: 3},
		{Name: "m1.huge", MemoryMiB: 1 << 20, DiskGiB: 3},      // more than the quota
		{Name: "m1.nowhere", MemoryMiB: 512, DiskGiB: 1 << 20}, // more than there is
	}); err != nil {
		return err
	}
	if err := machine.Tools(l); err != nil {
		return err
	}
	base, err := machine.Base(ctx, l)
	if err != nil {
		return err
	}
	return keystoneClient(l).SeedImage(ctx, "http://"+glanceAddress, machine.BaseName, base)
}
