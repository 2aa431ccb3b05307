"""Addresses, ports and names of a libvirt stack's segments. Returns problems, changes nothing."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import chain, pairwise

from twinvpc.model.base import LONGEST_INTERFACE
from twinvpc.model.check_host import RESERVED, check_host
from twinvpc.model.libvirt import BRIDGE_PREFIX, AddressRange, LibvirtStack, SegmentAddresses
from twinvpc.model.network import Network
from twinvpc.model.problems import Problem
from twinvpc.model.source import Source

SMALLEST_SEGMENT = 29
"""Prefix length that still holds router, network, broadcast and a handful of guests."""

_LONGEST_NAME = LONGEST_INTERFACE - len(BRIDGE_PREFIX)
_SSH = 22


def check_libvirt(stack: LibvirtStack, network: Network | None, source: Source) -> list[Problem]:
    """Addresses, ports and names of a libvirt stack, among themselves and against what else the host has.

    Args:
        stack: what was sound in the stack file.
        network: what was sound in network.yaml, or None if that could not be read.
        source: the stack file, for lines.
    """
    found: list[Problem] = []
    for name, addresses in stack.segments.items():
        found += _check_block(stack, network, name, source)
        if addresses.dhcp is not None:
            found += _check_dhcp(name, addresses.cidr, addresses.dhcp, source)
        found += _check_static(name, addresses, source)
        if len(name) > _LONGEST_NAME:
            what, rule = (
                f"bridge `{BRIDGE_PREFIX}{name}` is too long",
                "a Linux interface name has at most 15 characters",
            )
            way_out = f"shorten the segment's name to {_LONGEST_NAME} characters"
            found.append(source.problem(("segments", name), what, rule, way_out))
    found += [*_check_overlaps(stack, source), *_check_ports(stack, source), *_check_names(stack, source)]
    return [*found, *check_host(stack, network, source)]


def _check_block(stack: LibvirtStack, network: Network | None, name: str, source: Source) -> Iterator[Problem]:
    where, cidr = ("segments", name, "cidr"), stack.segments[name].cidr
    owners = chain(
        RESERVED.items(),
        (
            (stack.docker.pool, "Docker's pool"),
            (stack.docker.swarm_pool, "Swarm's pool"),
            (stack.host.lan, "the home LAN"),
        ),
    )
    for block, owner in owners:
        if cidr.overlaps(block):
            what = f"{cidr} of `{name}` overlaps {block}"
            yield source.problem(where, what, f"{block} is {owner}", "choose another block")
    if network is not None and not cidr.subnet_of(network.cidr):
        what, rule = f"{cidr} of `{name}` lies outside {network.cidr}", "segments are cut from network.yaml's `cidr`"
        yield source.problem(where, what, rule, f"choose a block inside {network.cidr}")
    if cidr.prefixlen > SMALLEST_SEGMENT:
        what = f"{cidr} of `{name}` is too small"
        yield source.problem(where, what, f"a segment is at least a /{SMALLEST_SEGMENT}", "enlarge it")


def _unusable(cidr: IPv4Network) -> dict[IPv4Address, str]:
    """Addresses that no machine can have, with their owners."""
    return {
        cidr.network_address: "the network's own",
        cidr.broadcast_address: "the broadcast",
        cidr.network_address + 1: "the router's",
    }


def _check_dhcp(name: str, cidr: IPv4Network, dhcp: AddressRange, source: Source) -> Iterator[Problem]:
    where = ("segments", name, "dhcp")
    for edge in dict.fromkeys((dhcp.first, dhcp.last)):
        if edge not in cidr:
            what, rule = f"{edge} lies outside {cidr}", "a DHCP range lies inside its segment"
            yield source.problem(where, what, rule, f"choose addresses of {cidr}")
    for address, owner in _unusable(cidr).items():
        if address in dhcp:
            what, rule = f"{dhcp} of `{name}` contains {address}", f"{address} is {owner} address"
            yield source.problem(where, what, rule, "start or end the range elsewhere")


def _check_static(name: str, addresses: SegmentAddresses, source: Source) -> Iterator[Problem]:
    cidr, dhcp, unusable = addresses.cidr, addresses.dhcp, _unusable(addresses.cidr)
    seen: dict[IPv4Address, str] = {}
    for host, address in addresses.static.items():
        where = ("segments", name, "static", host)
        if address not in cidr or address in unusable:
            rule = f"{address} is {unusable[address]} address" if address in unusable else f"it must lie inside {cidr}"
            yield source.problem(where, f"`{host}` cannot be {address}", rule, f"choose another address of {cidr}")
        if dhcp is not None and address in dhcp:
            what, rule = f"`{host}` at {address} lies in the DHCP range {dhcp}", "a leased address could be given twice"
            yield source.problem(where, what, rule, "move the address or the range")
        if address in seen:
            what, rule = f"{address} is given to `{seen[address]}` and `{host}`", "an address belongs to one machine"
            yield source.problem(where, what, rule, "change one")
        seen[address] = host


def _check_overlaps(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    blocks = sorted(((n, s.cidr) for n, s in stack.segments.items()), key=lambda item: (item[1], item[0]))
    for (one, a), (other, b) in overlapping(blocks):
        what = f"{b} of `{other}` overlaps {a} of `{one}`"
        rule, way_out = "segments share no address", "move or shrink one of them"
        yield source.problem(("segments", other, "cidr"), what, rule, way_out)
    by_port = sorted(stack.segments.items(), key=lambda item: (item[1].ssh_ports.first, item[0]))
    for (one, first), (other, second) in pairwise(by_port):
        if second.ssh_ports.first <= first.ssh_ports.last:
            what = f"{second.ssh_ports} of `{other}` overlaps {first.ssh_ports} of `{one}`"
            rule, way_out = "the host forwards each port to one machine", "make the ranges disjoint"
            yield source.problem(("segments", other, "ssh_ports"), what, rule, way_out)


def _check_ports(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    for name, addresses in stack.segments.items():
        if addresses.ssh_ports.first <= _SSH <= addresses.ssh_ports.last:
            what = f"{addresses.ssh_ports} of `{name}` holds port {_SSH}"
            rule, way_out = f"no sshd of ours is ever on {_SSH} (V4)", "choose for example 2201-2210"
            yield source.problem(("segments", name, "ssh_ports"), what, rule, way_out)


def overlapping(
    blocks: list[tuple[str, IPv4Network]],
) -> Iterator[tuple[tuple[str, IPv4Network], tuple[str, IPv4Network]]]:
    """Blocks that overlap one before them, in a list sorted by block: the widest so far is compared with each next."""
    widest: tuple[str, IPv4Network] | None = None
    for item in blocks:
        if widest is not None and item[1].overlaps(widest[1]):
            yield widest, item
        if widest is None or item[1].broadcast_address > widest[1].broadcast_address:
            widest = item


def _check_names(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    names: dict[str, str] = dict.fromkeys(stack.segments, "a segment")
    for segment, addresses in stack.segments.items():
        for host in addresses.static:
            if host in names:
                what, rule = (
                    f"name `{host}` is taken by {names[host]}",
                    "all segments share one domain: a name is one address",
                )
                yield source.problem(("segments", segment, "static", host), what, rule, "rename it")
            names[host] = f"a machine of `{segment}`"
