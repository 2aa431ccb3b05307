"""Five libvirt networks and nothing else: the least that Pulumi can do for the same addresses."""

import pulumi_libvirt as libvirt

BLOCKS = {
    "management": "10.0.0.0/24",
    "public": "10.0.1.0/24",
    "private": "10.0.2.0/24",
    "database": "10.0.3.0/24",
    "container": "10.0.4.0/24",
}

for name, block in BLOCKS.items():
    libvirt.Network(
        name,
        name=name,
        mode="open",
        bridge=f"br-{name}",
        domain="lab.local",
        addresses=[block],
        autostart=True,
        dhcp=libvirt.NetworkDhcpArgs(enabled=name != "database"),
        dns=libvirt.NetworkDnsArgs(enabled=True),
    )
