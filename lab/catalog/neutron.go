//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/openstack"
	"github.com/ystackdev/ystack/lab/service"
)

const neutronConf = `[DEFAULT]
bind_host = 127.0.0.1
bind_port = 15696
core_plugin = ml2
service_plugins = router
enable_dvr = false
transport_url = fake://
api_workers = 0
rpc_workers = 0
rpc_state_report_workers = 0
state_path = {{.State "neutron"}}
api_paste_config = {{.Tree "usr/share/neutron-common/api-paste.ini"}}
auth_strategy = keystone
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
dhcp_agent_notification = false
use_stderr = true
[ml2]
type_drivers = flat,local
tenant_network_types = local
mechanism_drivers = lab
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[database]
connection = sqlite:///{{.State "neutron"}}/neutron.db
[oslo_concurrency]
lock_path = {{.State "neutron"}}/lock
[oslo_messaging_notifications]
driver = noop
`

// neutronDriver binds every port to the lab's one bridge, tells the DHCP server who has
// which address, and has the node's kernel translate floating addresses. Agents would do
// all three; they need a message bus.
const neutronDriver = `import os
import signal
import subprocess

from neutron_lib import context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import constants, directory
from neutron_lib.plugins.ml2 import api

NAT = """add table ip floating
delete table ip floating
table ip floating {
    map fixed { type ipv4_addr : ipv4_addr; %s }
    chain prerouting { type nat hook prerouting priority dstnat; dnat to ip daddr map @fixed; }
    chain output { type nat hook output priority -100; dnat to ip daddr map @fixed; }
    chain postrouting { type nat hook postrouting priority srcnat; oifname "` + vmBridge + `" ct status dnat masquerade; }
}
"""


class Bridge(api.MechanismDriver):

    def initialize(self):
        registry.subscribe(self.translate, resources.PROCESS, events.AFTER_SPAWN)
        for event in events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE:
            registry.subscribe(self.translate, resources.FLOATING_IP, event)

    def translate(self, *args, **kwargs):
        pairs = ['%s : %s' % (ip['floating_ip_address'], ip['fixed_ip_address'])
                 for ip in directory.get_plugin(constants.L3).get_floatingips(context.get_admin_context())
                 if ip['fixed_ip_address']]
        elements = 'elements = { %s }' % ', '.join(sorted(pairs)) if pairs else ''
        subprocess.run(['/usr/sbin/nft', '-f', '-'], input=(NAT % elements).encode(), check=True)

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, port):
        for segment in port.segments_to_bind:
            details = {portbindings.CAP_PORT_FILTER: True, portbindings.VIF_DETAILS_BRIDGE_NAME: '` + vmBridge + `'}
            port.set_binding(segment[api.ID], portbindings.VIF_TYPE_BRIDGE, details, status='ACTIVE')
            return

    def create_port_postcommit(self, port):
        self.tell()

    def update_port_postcommit(self, port):
        self.tell()

    def delete_port_postcommit(self, port):
        self.tell(gone=port.current['id'])
        self.translate()  # a floating address may have been the port's

    def tell(self, gone=None):
        lines = []
        for port in directory.get_plugin().get_ports(context.get_admin_context()):
            for ip in port['fixed_ips'][:1]:
                if port['id'] != gone:
                    lines.append('%s,%s\n' % (port['mac_address'], ip['ip_address']))
        with open('{{.Run "dhcp-hosts.part"}}', 'w') as f:
            f.writelines(sorted(lines))
        os.rename('{{.Run "dhcp-hosts.part"}}', '{{.Run "dhcp-hosts"}}')
        try:
            with open('{{.Run "dhcp.pid"}}') as f:
                os.kill(int(f.read()), signal.SIGHUP)
        except (OSError, ValueError):
            pass  # it reads the file when it starts
`

// neutron is the API alone.
func neutron() *service.Service {
	return component{
		name:     "neutron",
		kind:     "network",
		address:  neutronAddress,
		needs:    []string{"keystone", "vm-network"},
		packages: []string{"python3-neutron", "neutron-common"},
		files: map[string]string{
			"neutron.conf":                            neutronConf + authToken("neutron", "network"),
			"lib/labnet.py":                           neutronDriver,
			"lib/labnet-1.dist-info/METADATA":         "Metadata-Version: 2.1\nName: labnet\nVersion: 1\n",
			"lib/labnet-1.dist-info/entry_points.txt": "[neutron.ml2.mechanism_drivers]\nlab = labnet:Bridge\n",
		},
		migrate: neutronSchema,
		command: func(l *service.Lab) []string {
			return python(l, neutronPath(l), "neutron-server", "--config-file", l.Etc("neutron/neutron.conf"))
		},
		seed: func(ctx context.Context, l *service.Lab) error {
			return keystoneClient(l).SeedNetworks(ctx, "http://"+neutronAddress, openstack.Network{
				Name: "private", Physical: "lab", CIDR: vmNet, First: vmFirst, Last: vmLast,
			}, openstack.Network{
				Name: "public", Physical: "public", CIDR: floatingNet, First: floatingFirst, Last: floatingLast,
			}, vmGateway)
		},
	}.service()
}

func neutronPath(l *service.Lab) []string {
	return []string{"PYTHONPATH=" + l.Etc("neutron/lib") + ":" + l.Tree("usr/lib/python3/dist-packages")}
}

// neutronSchema makes the tables from what the code says that they are:
// the migrations change constraints, which sqlite cannot.
func neutronSchema(l *service.Lab) [][]string {
	const script = `import sys
import sqlalchemy
from neutron.db.migration.models import head
head.get_metadata().create_all(sqlalchemy.create_engine('sqlite:///' + sys.argv[1]))`
	return [][]string{inTree(l, nil, "/usr/bin/python3", "-c", script, database(l, "neutron"))}
}
