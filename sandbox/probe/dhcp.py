"""DHCP as a guest says it, right and wrong: what the rules let through to a server, whether or not one is there."""

import socket
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, fresh_key, mac_address
from sandbox.probe.shots import LINK, Shot

_CLIENT, _SERVER = 68, 67
_NOBODY, _EVERYBODY = IPv4Address(0), IPv4Address("255.255.255.255")
_EVERY_MAC = b"\xff" * 6
_ALL_HOSTS, _ALL_HOSTS_MAC = IPv4Address("224.0.0.1"), bytes.fromhex("01005e000001")
"""The one group that every host is in (RFC 1112): Linux hears a source of 0.0.0.0 there as well."""

_BEHIND = (socket.AF_INET, socket.IPPROTO_UDP)


def shots(ground: Ground, leasing: Collection[str]) -> Iterator[Shot]:
    """From each segment: a guest without a lease, one that renews, one that asks everybody; and what is none of these.

    Args:
        ground: the measured world.
        leasing: segments in which a server leases.
    """
    for segment in ground.segments:
        own, router = ground.stands[segment].address, ground.router(segment)
        macs = _EVERY_MAC + mac_address(ground.stands[segment].netns, LINK) + b"\x08\x00"
        sender, leases = ground.stands[segment].netns, segment in leasing
        stranger = ground.stands[ground.others(segment)[0]].address
        for words, source, ports, arrives in (
            ("without a lease", _NOBODY, (_CLIENT, _SERVER), leases),
            ("from its address to everybody", own, (_CLIENT, _SERVER), leases),
            ("without a lease, from another port", _NOBODY, (fresh_port(), _SERVER), False),
            ("with a false address", stranger, (_CLIENT, _SERVER), False),
            ("without a lease, to another port", _NOBODY, (_CLIENT, fresh_port()), False),
            ("from its address to everybody, from another port", own, (fresh_port(), _SERVER), False),
            ("from its address to everybody, to another port", own, (_CLIENT, fresh_port()), False),
        ):
            name = f"{segment} asks for a lease {words}"
            yield _shot(name, (sender, ground.host), (source, _EVERYBODY), ports, arrives=arrives, macs=macs)
        own_mac = mac_address(ground.host, ground.bridges[segment]) + macs[6:]
        name = f"{segment} asks its router address without a lease"
        ends = (_NOBODY, router)
        yield _shot(name, (sender, ground.host), ends, (_CLIENT, _SERVER), arrives=False, macs=own_mac)
        name = f"{segment} asks all hosts of its link without a lease"
        ends, all_macs = (_NOBODY, _ALL_HOSTS), _ALL_HOSTS_MAC + macs[6:]
        yield _shot(name, (sender, ground.host), ends, (_CLIENT, _SERVER), arrives=False, macs=all_macs)
        for other in (segment, *ground.others(segment)[:1]):
            name = f"{segment} renews its lease at the router address of {other}"
            ends = (own, router if other == segment else ground.router(other))
            arrives = leases and other == segment
            yield _shot(name, (sender, ground.host), ends, (_CLIENT, _SERVER), arrives=arrives)


def _shot(
    name: str,
    places: tuple[Path, Path],
    ends: tuple[IPv4Address, IPv4Address],
    ports: tuple[int, int],
    *,
    arrives: bool,
    macs: bytes = b"",
) -> Shot:
    """One datagram; whole, with the Ethernet header `macs`, where a kernel would not send it like that."""
    key = fresh_key()
    whole = macs + packets.ipv4(*ends, socket.IPPROTO_UDP, packets.udp(*ends, ports, key))
    return Shot(name, *places, (whole,), key, arrives, frames=bool(macs), heard=_BEHIND)
