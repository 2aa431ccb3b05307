"""The host of a libvirt stack: its other networks, interfaces and its own port. Returns problems, changes nothing."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations, product

from twinvpc.model.check_network import is_private
from twinvpc.model.libvirt import BRIDGE_PREFIX, LibvirtStack
from twinvpc.model.network import Network
from twinvpc.model.problems import Problem
from twinvpc.model.source import KeyPath, Source

# What no network of the owner's may touch, with the reason; Docker, Swarm and LAN are added per stack.
RESERVED = {
    IPv4Network("192.168.122.0/24"): "libvirt's `default` network",
    IPv4Network("100.64.0.0/10"): "Tailscale and carrier NAT (RFC 6598)",
    IPv4Network("169.254.0.0/16"): "link-local (RFC 3927)",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("224.0.0.0/3"): "multicast and reserved (RFC 5771, RFC 1112)",
    IPv4Network("0.0.0.0/8"): "this host (RFC 1122)",
}
SWARM_DEFAULT = IPv4Network("10.0.0.0/8")
LOOPBACK = "lo"


def check_host(stack: LibvirtStack, network: Network | None, source: Source) -> Iterator[Problem]:
    """The host's networks, its interfaces, and its sshd's port against the forwarded ones."""
    yield from _check_port(stack, source)
    yield from _check_interfaces(stack, source)
    yield from _check_pools(stack, network, source)


def _check_port(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    named: list[tuple[KeyPath, int]] = [(("host", "port"), stack.host.port)]
    named += [(("sshd", "also", number), port) for number, port in enumerate(stack.sshd.also)]
    for (name, addresses), (where, port) in product(stack.segments.items(), named):
        if addresses.ssh_ports.first <= port <= addresses.ssh_ports.last:
            what = f"port {port} lies in {addresses.ssh_ports} of segment `{name}`"
            rule, way_out = "the host forwards those ports to machines", "give the host's sshd another port"
            yield source.problem(where, what, rule, way_out)
    if stack.sshd.also and not stack.sshd.managed:
        what, rule = "ports of an sshd that is left as it is", "its settings are ours only where `managed` is true"
        yield source.problem(("sshd", "also"), what, rule, "write `managed: true` beside it, or remove it")


def _check_interfaces(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    """One interface with two meanings would open to one node what was granted to the other."""
    taken = {LOOPBACK: "the loopback"} | {BRIDGE_PREFIX + name: f"the bridge of `{name}`" for name in stack.segments}
    named: list[tuple[KeyPath, str, str]] = [(("docker", "bridge"), stack.docker.bridge, "Docker's bridge")]
    if stack.tailnet:
        named.append((("tailnet", "interface"), stack.tailnet.interface, "Tailscale's interface"))
    named += [(("host", "uplinks"), uplink, "an uplink already") for uplink in stack.host.uplinks]
    for where, interface, meaning in named:
        if interface in taken:
            what, rule = f"`{interface}` is {taken[interface]}", "an interface leads to one node"
            yield source.problem(where, what, rule, "name the right one; `ip route` shows where interfaces lead")
        taken.setdefault(interface, meaning)


def _check_pools(stack: LibvirtStack, network: Network | None, source: Source) -> Iterator[Problem]:
    pools: list[tuple[KeyPath, IPv4Network]] = [
        (("docker", "pool"), stack.docker.pool),
        (("docker", "swarm_pool"), stack.docker.swarm_pool),
        (("host", "lan"), stack.host.lan),
    ]
    if stack.docker.swarm_pool.overlaps(SWARM_DEFAULT):
        what, rule = f"{stack.docker.swarm_pool} lies in {SWARM_DEFAULT}", "Swarm's pool lies outside 10.0.0.0/8 (N7)"
        yield source.problem(("docker", "swarm_pool"), what, rule, "choose for example 172.18.0.0/16")
    for (where, block), (other, second) in combinations(pools, 2):
        if block.overlaps(second):
            what = f"{second} overlaps {block} of `{'.'.join(map(str, where))}`"
            yield source.problem(other, what, "networks of the host share no address", "move one of them")
    for where, block in pools:
        for kept, owner in RESERVED.items():
            if block.overlaps(kept):
                yield source.problem(where, f"{block} overlaps {kept}", f"{kept} is {owner}", "choose another block")
        if not is_private(block):
            what, rule = f"{block} is not private", "it would take public addresses for its own (RFC 1918)"
            yield source.problem(where, what, rule, "choose a block of 10/8, 172.16/12 or 192.168/16")
        if network is not None and is_private(network.cidr) and block.overlaps(network.cidr):
            what, rule = f"{block} overlaps {network.cidr}", "network.yaml's `cidr` is for segments only (N7)"
            yield source.problem(where, what, rule, "move one of them")
