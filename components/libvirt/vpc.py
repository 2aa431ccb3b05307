"""The network on libvirt: one libvirt network for each segment."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from components.component import Component
from components.host.resources import WatchedNetwork
from components.libvirt import xslt
from components.vpc import SegmentOutputs, SubnetOutputs, VpcOutputs
from twinvpc.addressing.plan import LibvirtPlan, SegmentPlan

# The provider plans a change of these in place and then does nothing (terraform-provider-libvirt v0.8.3,
# resourceLibvirtNetworkUpdate), so they have to be replacements. `dns.hosts` and `autostart` it does change in place.
REPLACED = ("mtu", "dnsmasqOptions", "dns.localOnly", "dns.enabled", "dhcp", "routes")

# What the host's own /etc/hosts says is no name of a segment (dnsmasq(8), --no-hosts); libvirt's names come from a file
# of their own.
NO_HOSTS_FILE = "no-hosts"

# No upstream server at all: dnsmasq answers what it knows itself and refuses the rest (dnsmasq(8), --no-resolv).
NO_UPSTREAM = "no-resolv"


@dataclass(frozen=True)
class VpcArgs:
    """What the network is to be.

    Attributes:
        plan: all segments with their addresses.
        domain: DNS domain of all of them.
        closed: segments that reach nothing on the Internet; their DNS server asks nobody either.
        former: names that a segment had before, so that its network is found in the state under any of them.
    """

    plan: LibvirtPlan
    domain: str
    closed: frozenset[str]
    former: Mapping[str, tuple[str, ...]]


class Vpc(Component):
    """The segments as libvirt networks in mode `open`: libvirt filters nothing there and gives DHCP and DNS alone.

    Who may talk to whom is the policy's (components/host), which has to stand before any network does: pass it in
    `depends_on`.

    Attributes:
        outputs: what was built.
        network_ids: id of each segment's network, new whenever the network is.
        watched: each network by its name on the host, as it should be found there.

    Creates:
        - `libvirt:index/network:Network`: one for each segment, with bridge, DNS, and DHCP where the plan has a range.
    """

    def __init__(self, name: str, args: VpcArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:libvirt:Vpc", name, opts)
        networks = {segment.name: self._network(name, segment, args) for segment in args.plan.segments}
        self.outputs = VpcOutputs(
            {
                segment.name: SegmentOutputs(
                    (SubnetOutputs(str(segment.cidr), str(segment.router), networks[segment.name].bridge),)
                )
                for segment in args.plan.segments
            }
        )
        self.network_ids: Mapping[str, pulumi.Output[str]] = {name: network.id for name, network in networks.items()}
        self.watched = {
            segment.name: WatchedNetwork(
                uuid=networks[segment.name].id,
                bridge=segment.bridge,
                address=f"{segment.router}/{segment.cidr.prefixlen}",
                leased=str(segment.dhcp or ""),
                domain=args.domain,
                hosts=dns_hosts(args.plan, args.domain),
                options=_options(closed=segment.name in args.closed),
            )
            for segment in args.plan.segments
        }
        self.register_outputs({"bridges": {segment: network.bridge for segment, network in networks.items()}})

    def _network(self, name: str, segment: SegmentPlan, args: VpcArgs) -> libvirt.Network:
        hosts = [
            libvirt.NetworkDnsHostArgs(hostname=host, ip=address)
            for address, host in dns_hosts(args.plan, args.domain).items()
        ]
        options = [
            libvirt.NetworkDnsmasqOptionsOptionArgs(option_name=option)
            for option in _options(closed=segment.name in args.closed)
        ]
        return libvirt.Network(
            f"{name}-{segment.name}",
            name=segment.name,
            mode="open",
            bridge=segment.bridge,
            domain=args.domain,
            addresses=[str(segment.cidr)],
            autostart=True,
            dhcp=libvirt.NetworkDhcpArgs(enabled=segment.dhcp is not None),
            dns=libvirt.NetworkDnsArgs(enabled=True, local_only=True, hosts=hosts),
            dnsmasq_options=libvirt.NetworkDnsmasqOptionsArgs(options=options),
            xml=libvirt.NetworkXmlArgs(xslt=xslt.dhcp_range(segment.dhcp)) if segment.dhcp else None,
            opts=pulumi.ResourceOptions.merge(
                self.child(),
                pulumi.ResourceOptions(
                    # Names, bridges and blocks are fixed: the old network has to go before the new one can come.
                    delete_before_replace=True,
                    replace_on_changes=list(REPLACED),
                    aliases=[pulumi.Alias(name=f"{name}-{old}") for old in args.former.get(segment.name, ())],
                ),
            ),
        )


def dns_hosts(plan: LibvirtPlan, domain: str) -> Mapping[str, str]:
    """Names by address that every segment's DNS server knows: all routers, static names and machines.

    One for each address, because libvirt merges the names of an address and the provider deletes by address.
    """
    names = {segment.router: segment.name for segment in plan.segments}
    names |= {address: host for segment in plan.segments for host, address in segment.static.items()}
    names |= {machine.address: machine.name for machine in plan.machines}
    return {str(address): f"{names[address]}.{domain}" for address in sorted(names)}


def _options(*, closed: bool) -> tuple[str, ...]:
    return (NO_HOSTS_FILE, NO_UPSTREAM) if closed else (NO_HOSTS_FILE,)
