"""A segment's bridge as the kernel has it: address, state, and who is plugged in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.host.watched import Network

Link = Mapping[str, Any]
"""One link as `ip -j -d link show` lists it."""
Taps = Mapping[str, tuple[str, str]]
"""Machine and network by the tap of a running machine."""


@dataclass(frozen=True)
class Wiring:
    """What the host's links are like.

    Attributes:
        links: all of them.
        addresses: IPv4 addresses with their prefix lengths, by link.
        taps: those of running machines.
        uplinks: interfaces that lead out.
    """

    links: Sequence[Link]
    addresses: Mapping[str, tuple[str, ...]]
    taps: Taps
    uplinks: Sequence[str]


@dataclass(frozen=True)
class Bridge:
    """What was found.

    Attributes:
        there: whether the bridge exists.
        said: what is wrong with it, a sentence each.
        steps: what puts it right, for `shell/mend.sh`.
        guests: ports that belong on it, on it or not: they are plugged in again when it was made anew.
    """

    there: bool
    said: tuple[str, ...]
    steps: tuple[str, ...]
    guests: tuple[str, ...]


def bridge(name: str, wanted: Network, held: str, wiring: Wiring) -> Bridge:
    """Look at a network's bridge.

    Args:
        name: the network.
        wanted: what it should be.
        held: the bridge that the network really has, whatever it should have.
        wiring: the host's links.
    """
    by_name = {str(link.get("ifname")): link for link in wiring.links}
    own = {tap: machine for tap, (machine, network) in wiring.taps.items() if network == name and tap in by_name}
    ports = {port: link for port, link in by_name.items() if link.get("master") in {wanted.bridge, held}}
    strangers = {port: why for port, link in ports.items() if (why := _stranger(port, link, own, wiring.uplinks))}
    guests = tuple(dict.fromkeys([*(port for port in ports if port not in strangers), *own]))
    itself = by_name.get(wanted.bridge)
    if itself is None or _kind(itself) != "bridge":
        return Bridge(there=False, said=(), steps=(), guests=guests)
    found = [*_state(wanted, itself), *_addresses(wanted, wiring.addresses.get(wanted.bridge, ()))]
    for port, why in strangers.items():
        found.append((f"{port} is plugged into its bridge: {why}", f"unplug {port}"))
    for tap, machine in own.items():
        if by_name[tap].get("master") != wanted.bridge:
            found.append((f"{tap} of machine {machine} is not on its bridge", f"plug {tap} {wanted.bridge}"))
    said, steps = tuple(text for text, _ in found), tuple(step for _, step in found)
    return Bridge(there=True, said=said, steps=steps, guests=guests)


def _state(wanted: Network, link: Link) -> Iterator[tuple[str, str]]:
    if "UP" not in link.get("flags", ()):
        yield f"its bridge {wanted.bridge} is down", f"raise {wanted.bridge}"
    if "master" in link:
        yield f"its bridge {wanted.bridge} is a part of {link['master']}", f"unplug {wanted.bridge}"


def _addresses(wanted: Network, held: Sequence[str]) -> Iterator[tuple[str, str]]:
    if wanted.address not in held:
        yield f"its bridge lacks its address {wanted.address}", f"address {wanted.address} {wanted.bridge}"
    for address in held:
        if address != wanted.address:
            said = f"its bridge has the address {address}, which is not ours"
            yield said, f"unaddress {address} {wanted.bridge}"


def _stranger(port: str, link: Link, own: Mapping[str, str], uplinks: Sequence[str]) -> str:
    """Why a port must not be on a segment's bridge: it joins the segment with something that the gates never see."""
    if port in uplinks:
        return "it leads out of the host"
    match _kind(link):
        case "":
            return "it is a network card"
        case "tun":
            return "" if port in own else "it is the tap of no machine on this network"
        case "veth":
            # The other end of a guest's is in the guest's own namespace, and then the kernel gives no name for it here.
            return f"its other end {link['link']} is on this host" if "link" in link else ""
        case kind:
            return f"it is a {kind}"


def _kind(link: Link) -> str:
    return str(link.get("linkinfo", {}).get("info_kind", ""))
