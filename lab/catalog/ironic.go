//go:build linux

package catalog

import (
	"context"
	"os"

	"github.com/ystackdev/ystack/lab/openstack"
	"github.com/ystackdev/ystack/lab/service"
)

// ironicConf: fake-hardware is a kind of machine that Ironic itself brings, which does at
// once what it is told; redfish machines can be enrolled, and fail as unreachable ones do.
const ironicConf = `[DEFAULT]
auth_strategy = keystone
rpc_transport = json-rpc
transport_url = fake://
host = lab-conductor
my_ip = 127.0.0.1
enabled_hardware_types = fake-hardware,redfish
enabled_bios_interfaces = no-bios,fake,redfish
enabled_boot_interfaces = fake,redfish-virtual-media
enabled_console_interfaces = no-console,fake
enabled_deploy_interfaces = fake,direct
enabled_inspect_interfaces = no-inspect,fake,redfish
enabled_management_interfaces = fake,redfish,noop
enabled_network_interfaces = noop
enabled_power_interfaces = fake,redfish
enabled_raid_interfaces = no-raid,fake,redfish
enabled_rescue_interfaces = no-rescue,fake
enabled_storage_interfaces = noop,fake
enabled_vendor_interfaces = no-vendor,fake,redfish
default_network_interface = noop
force_raw_images = false
tempdir = {{.State "ironic"}}
use_stderr = true
[api]
host_ip = 127.0.0.1
port = 15385
api_workers = 1
[json_rpc]
host_ip = 127.0.0.1
port = 15089
auth_strategy = noauth
[conductor]
api_url = http://` + ironicAddress + `
automated_clean = true
# How long an agent that does not call is waited for, and how often that is looked at.
deploy_callback_timeout = 5
check_provision_state_interval = 5
[database]
connection = sqlite:///{{.State "ironic"}}/ironic.db
sqlite_synchronous = false
[dhcp]
dhcp_provider = none
[deploy]
http_root = {{.State "ironic-images"}}
http_url = http://` + ironicImagesAddress + `
[pxe]
images_path = {{.State "ironic"}}/images
instance_master_path = {{.State "ironic"}}/master
tftp_root = {{.State "ironic"}}/tftp
tftp_master_path = {{.State "ironic"}}/tftp/master
[redfish]
connection_attempts = 1
[oslo_concurrency]
lock_path = {{.State "ironic"}}/lock
[oslo_policy]
enforce_scope = false
enforce_new_defaults = false
[service_catalog]
endpoint_override = http://` + ironicAddress + `
[glance]
endpoint_override = http://` + glanceAddress + `
`

// ironic is the bare-metal service, all of it in one process.
func ironic() *service.Service {
	return component{
		name:     "ironic",
		kind:     "baremetal",
		address:  ironicAddress,
		health:   "/v1",
		needs:    []string{"keystone", "glance", "ironic-images"},
		packages: []string{"python3-ironic", "ironic-common", "ironic-api", "python3-sushy", "python3-ironicclient", "genisoimage"},
		files:    map[string]string{"ironic.conf": ironicConf + serviceAuth("ironic") + authToken("ironic", "baremetal")},
		migrate: func(l *service.Lab) [][]string {
			return [][]string{python(l, nil, "ironic-dbsync", "--config-file", l.Etc("ironic/ironic.conf"), "create_schema")}
		},
		command: func(l *service.Lab) []string {
			// It looks for the program that makes config drives in the path.
			return python(l, []string{"PATH=" + l.Tree("usr/bin") + ":/usr/bin:/bin:/usr/sbin:/sbin"}, "ironic", "--config-file", l.Etc("ironic/ironic.conf"))
		},
		seed: func(ctx context.Context, l *service.Lab) error {
			return keystoneClient(l).SeedNodes(ctx, "http://"+ironicAddress, []openstack.Node{
				{Name: "metal-1", Class: "small", Traits: []string{"CUSTOM_SSD"}},
				{Name: "metal-2", Class: "small", Traits: []string{"CUSTOM_SSD"}},
				{Name: "metal-3", Class: "small"},
				{Name: "metal-4", Class: "small"},
				{Name: "metal-silent", Class: "silent", Deploy: "direct"}, // waits for an agent, which nobody starts
			})
		},
	}.service()
}

// ironicImages serves the images that Ironic hands to its machines.
func ironicImages() *service.Service {
	return &service.Service{
		Name:      "ironic-images",
		Needs:     []string{service.NodeName},
		Address:   ironicImagesAddress + " (inside only)",
		Unpack:    []string{"busybox-static"},
		Configure: func(_ context.Context, l *service.Lab) error { return os.MkdirAll(l.State("ironic-images"), 0o755) },
		Command: func(l *service.Lab) []string {
			return []string{busyboxBinary(l), "httpd", "-f", "-p", ironicImagesAddress, "-h", l.State("ironic-images")}
		},
		Ready: accepts(ironicImagesAddress),
	}
}
