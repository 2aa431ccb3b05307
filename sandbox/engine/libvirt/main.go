// Command pulumi-resource-libvirt is the libvirt provider plugin for places where the official binary cannot be
// downloaded. It is the same Terraform provider behind the same bridge, under the tokens that the Python package
// pulumi_libvirt uses.
package main

import (
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	sdk "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// version is what pulumi_libvirt of requirements.txt asks the engine for; the build sets it.
var version = "0.0.0-unset"

// autonameLength is the official plugin's limit for names the engine makes up.
const autonameLength = 255

func resource(module, name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tokens.Type("libvirt:index/" + module + ":" + name)}
}

func function(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember("libvirt:index/" + name + ":" + name)}
}

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:       sdk.NewProvider(libvirt.Provider()),
		Name:    "libvirt",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"uri": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"LIBVIRT_DEFAULT_URI"}}},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"libvirt_cloudinit_disk": resource("cloudInitDisk", "CloudInitDisk"),
			"libvirt_combustion":     resource("combustion", "Combustion"),
			"libvirt_domain":         resource("domain", "Domain"),
			"libvirt_ignition":       resource("ignition", "Ignition"),
			"libvirt_network":        resource("network", "Network"),
			"libvirt_pool":           resource("pool", "Pool"),
			"libvirt_volume":         resource("volume", "Volume"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"libvirt_network_dns_host_template":        function("getNetworkDnsHostTemplate"),
			"libvirt_network_dns_srv_template":         function("getNetworkDnsSrvTemplate"),
			"libvirt_network_dnsmasq_options_template": function("getNetworkDnsmasqOptionsTemplate"),
			"libvirt_node_device_info":                 function("getNodeDeviceInfo"),
			"libvirt_node_devices":                     function("getNodeDevices"),
			"libvirt_node_info":                        function("getNodeInfo"),
		},
	}
	info.SetAutonaming(autonameLength, "-")
	return info
}

func main() {
	defer libvirt.CleanupLibvirtConnections()
	// No schema document: only code generators ask for one, and they use the published package.
	tfbridge.Main("libvirt", version, provider(), nil)
}
