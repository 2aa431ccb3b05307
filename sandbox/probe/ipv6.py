"""IPv6: the segments have none, so a guest that speaks it must reach nothing beyond its own bridge."""

import json
import re
import secrets
import socket
import struct
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, Try, fresh_key, mac_address
from sandbox.probe.namespaces import Anonymous, ip_batch, run_inside
from sandbox.probe.shots import LINK, Shot, fire
from twinvpc.proof.expect import PLAIN_PORT

_ICMPV6, _UDP = 58, 17
_ECHO_REQUEST, _ROUTER_ADVERTISEMENT = 128, 134
_ALL_NODES = IPv6Address("ff02::1")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_CHECKSUM_AT = {_ICMPV6: 2, _UDP: 6}
_STRANGER = IPv6Address("fd7e:ffff::1")
"""The source of whoever has no block."""

_LIFETIME = 20
"""Seconds for which a rogue advertisement is good."""

_PATIENCE = 4.0
"""Seconds for an address to pass duplicate detection, and for an advertisement to be taken."""


def tries(ground: Ground) -> tuple[Try, ...]:
    """From each segment: to the host's link-local address, across to another segment, and a rogue router advertisement.

    The host is hit on its bridge's MAC address, so neither neighbour discovery nor its absence protects it. The same
    frames must arrive in a place without rules: a neighbour will not do, for firewalld drops IPv6 on the way to it
    where bridged frames pass it.
    """
    settle(ground)
    with routes(ground), _bare_pair() as (sender, target):
        control = _link_local("anybody → a place without rules", (sender, LINK), (target, LINK), arrives=True)
        shot = fire([*shots(ground), *control], ground.host)
    return (*shot, *_advertise(ground))


def settle(ground: Ground) -> None:
    """Wait for duplicate detection: until then an address's kernel drops what comes for it."""
    for segment in ground.segments:
        _settle(ground.server(segment).netns)


def shots(ground: Ground) -> tuple[Shot, ...]:
    """From each segment to the host's link-local address, and across to every other segment."""
    return tuple(one for segment in ground.segments for one in (*_to_host(ground, segment), *_across(ground, segment)))


def more_shots(ground: Ground, links: Mapping[str, str]) -> Iterator[Shot]:
    """What a real world would not bear.

    From strangers across to every segment, from each segment through the host to itself, and whether no is said aloud.

    Args:
        ground: a pliable world.
        links: by node of a stranger, the host's link towards it.
    """
    for stranger, link in links.items():
        yield from _across(ground, stranger, link)
    for segment in ground.segments:
        yield from _across(ground, segment, to=(segment,))
        sender = ground.stands[segment].netns
        for one in _to_host(ground, segment):
            name = f"{one.name}, an error that says no"
            yield replace(one, name=name, target=sender, heard=None)


def _to_host(ground: Ground, segment: str) -> Iterator[Shot]:
    ends = (ground.stands[segment].netns, LINK), (ground.host, ground.bridges[segment])
    return _link_local(f"{segment} → the host", *ends, arrives=False)


def _link_local(name: str, sender: tuple[Path, str], target: tuple[Path, str], *, arrives: bool) -> Iterator[Shot]:
    """An echo request and a datagram from link to link, looked for behind the target's input rules."""
    mac, at = mac_address(*sender), mac_address(*target)
    route = (link_local(mac), _link_local_of(*target) or link_local(at))
    for protocol, words, body in ((_ICMPV6, "icmp", _echo), (_UDP, "udp", _datagram)):
        key = fresh_key()
        packet = (frame((mac, at), route, protocol, body(key)),)
        said = f"{name} over link-local IPv6, {words}"
        yield Shot(said, sender[0], target[0], packet, key, arrives, frames=True, heard=(socket.AF_INET6, protocol))


def _across(ground: Ground, source: str, link: str = "", to: Sequence[str] = ()) -> Iterator[Shot]:
    sender = ground.stands[source].netns
    macs = mac_address(sender, LINK), mac_address(ground.host, link or ground.bridges[source])
    own = _STRANGER if link else _inner(ground, source)[0][1]
    for other in to or ground.others(source):
        key = fresh_key()
        prefix, target = _inner(ground, other)
        datagram = frame(macs, (own, prefix[2]), _UDP, _datagram(key))
        yield Shot(f"{source} → {other} over IPv6, udp", sender, target, (datagram,), key, arrives=False, frames=True)


@contextmanager
def _bare_pair() -> Generator[tuple[Path, Path]]:
    """Two places joined by a cable, with nothing in between and no rules."""
    one, other = Anonymous(), Anonymous()
    try:
        for place in (one, other):
            run_inside(place.path, "sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0")
        ip_batch(one.path, [f"link add name {LINK} type veth peer name {LINK} netns {other.path}"])
        for place in (one, other):
            ip_batch(place.path, [f"link set {LINK} up"])
        yield one.path, other.path
    finally:
        one.close()
        other.close()


def _advertise(ground: Ground) -> Iterator[Try]:
    """A guest says that it is the way to everywhere: its neighbour believes it, the host must not.

    The prefix is new each time and lives for seconds, so nothing of it has to be taken back.
    """
    prefixes = {segment: _prefix(f"{secrets.randbelow(0xF000) + 0x1000:x}") for segment in ground.segments}
    false: list[Shot] = []
    for segment, prefix in prefixes.items():
        mac = mac_address(ground.stands[segment].netns, LINK)
        body = _advertisement(prefix)
        packet = frame((mac, _ALL_NODES_MAC), (link_local(mac), _ALL_NODES), _ICMPV6, body)
        key = prefix.network_address.packed
        ends = (ground.stands[segment].netns, ground.server(segment).netns)
        false.append(Shot(segment, *ends, (packet,), key, arrives=True, frames=True))
    fire(false, ground.host)
    for segment, prefix in prefixes.items():
        name = f"{segment}: a rogue router advertisement"
        yield Try(f"{name} to its neighbour", "believed", _belief(ground.server(segment).netns, prefix, _PATIENCE))
        yield Try(f"{name} to the host", "ignored", _belief(ground.host, prefix, 0))


def _belief(netns: Path, prefix: IPv6Network, patience: float) -> str:
    """Whether a place took a prefix for its own, looked at again and again for so many seconds."""
    deadline = time.monotonic() + patience
    while True:
        shown = run_inside(netns, "ip", "-6", "address", "show") + run_inside(netns, "ip", "-6", "route", "show")
        if str(prefix.network_address).removesuffix("::") in shown:
            return "believed"
        if time.monotonic() >= deadline:
            return "ignored"
        time.sleep(0.05)


@contextmanager
def routes(ground: Ground) -> Generator[None]:
    """Where the host may be changed: IPv6 routes to every segment, so that only rules can stop what crosses.

    It knows its guests as well, whom it could not find: neighbour discovery is stopped by the same rules.
    """
    if not ground.pliable:
        yield
        return
    lines: list[str] = []
    for segment in ground.segments:
        bridge, (prefix, end) = ground.bridges[segment], _inner(ground, segment)
        opener, server = (mac_address(place, LINK) for place in (ground.stands[segment].netns, end))
        lines += [
            f"route add {prefix} dev {bridge}",
            f"neigh add {prefix[2]} lladdr {server.hex(':')} dev {bridge}",
            f"neigh replace {link_local(opener)} lladdr {opener.hex(':')} dev {bridge}",
        ]
    ip_batch(ground.host, lines)
    try:
        yield
    finally:
        ip_batch(ground.host, [re.sub("^(route|neigh) (add|replace)", r"\1 del", line) for line in reversed(lines)])


def _inner(ground: Ground, segment: str) -> tuple[IPv6Network, Path]:
    """The block that a segment would have if it had one, and its end that answers."""
    return _prefix(str(ground.segments.index(segment) + 1)), ground.server(segment).netns


def _prefix(word: str) -> IPv6Network:
    return IPv6Network(f"fd7e:{word}::/64")


def _settle(netns: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while run_inside(netns, "ip", "-6", "address", "show", "tentative") and time.monotonic() < deadline:
        time.sleep(0.05)


def _link_local_of(netns: Path, link: str) -> IPv6Address | None:
    """The link-local address of a link; None where it has no IPv6, as on a bridge of libvirt's."""
    (found,) = json.loads(run_inside(netns, "ip", "-json", "address", "show", "dev", link))
    own = [one["local"] for one in found["addr_info"] if one["family"] == "inet6" and one["scope"] == "link"]
    return IPv6Address(own[0]) if own else None


def link_local(mac: bytes) -> IPv6Address:
    """The link-local address that follows from a MAC address (RFC 4291, appendix A)."""
    return IPv6Address(b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 0x02]) + mac[1:3] + b"\xff\xfe" + mac[3:])


def frame(macs: tuple[bytes, bytes], route: tuple[IPv6Address, IPv6Address], protocol: int, body: bytes) -> bytes:
    """An Ethernet frame with an IPv6 packet.

    Args:
        macs: MAC addresses that it comes from and goes to.
        route: source and destination address.
        protocol: 58 for ICMPv6 or 17 for UDP.
        body: what follows the IPv6 header, with a checksum of zero, which is filled in here.
    """
    (source, target), (sender, to) = route, macs
    pseudo = source.packed + target.packed + struct.pack("!II", len(body), protocol)
    at = _CHECKSUM_AT[protocol]
    filled = body[:at] + struct.pack("!H", packets.checksum(pseudo + body) or 0xFFFF) + body[at + 2 :]
    head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 255) + source.packed + target.packed
    return to + sender + b"\x86\xdd" + head + filled


def _echo(key: bytes) -> bytes:
    return struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, fresh_port(), 1) + key


def _datagram(key: bytes) -> bytes:
    return struct.pack("!HHHH", fresh_port(), PLAIN_PORT, 8 + len(key), 0) + key


def _advertisement(prefix: IPv6Network) -> bytes:
    """A router advertisement with one prefix to make addresses from (RFC 4861, 4.2 and 4.6.2)."""
    head = struct.pack("!BBHBBHII", _ROUTER_ADVERTISEMENT, 0, 0, 64, 0, _LIFETIME, 0, 0)
    option = struct.pack("!BBBBIII", 3, 4, prefix.prefixlen, 0xC0, _LIFETIME, _LIFETIME, 0)
    return head + option + prefix.network_address.packed
