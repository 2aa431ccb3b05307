"""What would cut the owner off or harm a stranger's network: asked of the host before anything is changed there."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, cast

from providers.host.connection import config_key
from providers.host.docker_networks import docker_overlaps
from providers.host.drift import Found
from providers.host.earlier import earlier_rules
from providers.host.policy import Policy
from providers.host.tailnet_routes import advertised_routes
from providers.host.taken import taken_ports

_BRIDGE_PREFIX = "br-"
"""Our bridges are called after their segments."""
_DEFAULT = "default"
"""The network that libvirt comes with."""
_INWARD = re.compile(r"docker\w+|br-[0-9a-f]{12}|virbr\d+|tailscale\d+")
"""Bridges of Docker and libvirt, and Tailscale's interface, to which an exit node leads."""
_ADOPT = "If it is a network that you made by hand, `make adopt STACK=dell` shows what would happen to it"
"""The way on from a host that somebody has built up before us."""
_WHOLE_INTERNET = 1
"""Longest prefix of a default route: a VPN writes it as two halves, 0.0.0.0/1 and 128.0.0.0/1."""


@dataclass(frozen=True, order=True)
class Reach:
    """A destination and the link that the host reaches it by: a route, or an address of its own."""

    destination: IPv4Network
    link: str

    @property
    def is_default(self) -> bool:
        """Whether it leads to all that is not known better."""
        return self.destination.prefixlen <= _WHOLE_INTERNET


def refusals(policy: Policy, found: Found) -> Iterator[str]:
    """Why the policy must not be loaded on this host: sentences that name the offender, the rule and the way out.

    Args:
        policy: the wanted policy.
        found: a brief survey.
    """
    if not found.text("all-routes"):
        yield "the host does not list its routes (`ip -4 -j route`); install iproute2 4.17 or later"
        return
    yield from _ways_out(policy, found)
    yield from _inward_uplinks(policy, found)
    yield from _strange_bridges(policy, found)
    yield from _left_on_default(policy, found)
    yield from _overlaps(policy, found)
    yield from docker_overlaps(policy, found)
    yield from advertised_routes(policy, found)
    yield from _forgotten_bridges(policy, found)
    yield from earlier_rules(policy, found.text("rules"))
    yield from taken_ports(policy, found)


def _ways_out(policy: Policy, found: Found) -> Iterator[str]:
    """The policy closes our bridges towards the host, so none of them may be the way to the owner or the Internet."""
    ways = {reach.link: "a default route" for reach in reaches(found) if reach.is_default}
    back = _listed(found.text("way-back"))
    ways |= {link: "the way back to your SSH session" for entry in back for link in _links(entry)}
    for bridge in sorted(ways.keys() & set(policy.all_bridges)):
        yield (
            f"{ways[bridge]} leaves by {bridge}, which is a bridge of ours by its name: you would be locked out. "
            "Give that bridge another name on the host, or the segment another one"
        )


def _inward_uplinks(policy: Policy, found: Found) -> Iterator[str]:
    """An uplink that nobody named: all that lies behind it is taken for LAN and Internet."""
    for link in found.default_uplinks if not policy.uplinks else ():
        if _INWARD.fullmatch(link):
            yield (
                f"a default route leaves by {link}, which belongs to Docker, libvirt or Tailscale: what lies behind it "
                f"would be taken for LAN and Internet. Name the real uplink in {config_key('uplinks')}"
            )


def _strange_bridges(policy: Policy, found: Found) -> Iterator[str]:
    """Without a manifest no bridge is ours, except where the policy was lost: a network of mode `open` needs it."""
    if found.manifest is not None:
        return
    strange = (found.links & set(policy.all_bridges)) - set(found.text("open-bridges").split())
    for bridge in sorted(strange):
        yield (
            f"somebody else's bridge {bridge} exists already, and the policy would close it. {_ADOPT}; or take it away "
            f"(`virsh net-destroy` and `net-undefine` its network, or `ip link delete {bridge}`), or rename the segment"
        )


def _left_on_default(policy: Policy, found: Found) -> Iterator[str]:
    """Libvirt's own network is retired (N5): its machines move first. With nobody on it, it stays as it is.

    Only before the first policy: later ones may be what closes something, and must not wait for a machine.
    """
    machines = found.text("on-default").split("\n") if found.text("on-default") else []
    if found.manifest is None and machines and f"{_BRIDGE_PREFIX}{_DEFAULT}" not in policy.bridges:
        moves = " ".join(f"--move {machine}=SEGMENT" for machine in machines)
        yield (
            f"{', '.join(machines)} still attached to libvirt's network {_DEFAULT}, which is retired: move it to a "
            f'segment first. `make adopt STACK=dell ARGS="{moves}"` shows how, and does it with --yes; or plug it '
            "in elsewhere by hand"
        )


def _overlaps(policy: Policy, found: Found) -> Iterator[str]:
    """Whatever comes from a block of ours by another link is dropped, and libvirt refuses a block that is in use.

    A block that is in force already is not refused again: the harm is done, and refusing would keep a changed rule from
    being put back, or a network that was given another bridge by hand from being given its own.
    """
    in_force = found.manifest.blocks if found.manifest else dict[str, str]()
    ours = {*policy.all_bridges, *(found.manifest.all_bridges if found.manifest else ())}
    strange = [reach for reach in reaches(found) if not reach.is_default and reach.link not in ours]
    client = found.text("client")
    for bridge, text in policy.blocks.items():
        block = IPv4Network(text)
        key = f"twin-vpc:segments.{bridge.removeprefix(_BRIDGE_PREFIX)}.cidr"
        new = () if in_force.get(bridge) == text else strange
        within = sorted((reach for reach in new if reach.destination.overlaps(block)), reverse=True)
        for link, widest in {reach.link: reach.destination for reach in within}.items():
            way = f"{_ADOPT}; or choose" if found.manifest is None else "choose"
            yield f"{key}: {block} overlaps {widest} on {link}; {way} a block that nothing else on the host uses"
        if client and ":" not in client and IPv4Address(client) in block:
            yield f"{key}: your SSH session comes from {client}, inside {block}: it would be cut; choose another block"


def _forgotten_bridges(policy: Policy, found: Found) -> Iterator[str]:
    """A bridge of an earlier run is denied for as long as its link is there."""
    known = set(found.manifest.all_bridges) if found.manifest else set[str]()
    for bridge in sorted((known - set(policy.all_bridges)) & found.links):
        yield (
            f"the bridge {bridge} is still there, and without its tombstone it would be open. Put its segment back "
            "under `removed` in addresses.lock.json, run `pulumi up` until the bridge is gone, then delete that line"
        )


def reaches(found: Found) -> tuple[Reach, ...]:
    """Every IPv4 route of every table and every IPv4 address, each with its link."""
    routes = [(entry["dst"], link) for entry in _listed(found.text("all-routes")) for link in _links(entry)]
    addresses = [
        (f"{address['local']}/{address['prefixlen']}", str(entry["ifname"]))
        for entry in _listed(found.text("addresses"))
        for address in cast("list[dict[str, Any]]", entry.get("addr_info", []))
    ]
    return tuple(
        Reach(IPv4Network("0.0.0.0/0" if destination == "default" else destination, strict=False), link)
        for destination, link in (*routes, *addresses)
    )


def _links(route: dict[str, Any]) -> Sequence[str]:
    """The links of a route: several if it is shared out, none if it only refuses."""
    hops = cast("list[dict[str, Any]]", route.get("nexthops", []))
    return [str(hop["dev"]) for hop in (route, *hops) if "dev" in hop]


def _listed(text: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(text)) if text else []
