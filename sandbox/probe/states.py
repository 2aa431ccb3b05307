"""Packets that connection tracking calls invalid, untracked or related, and other protocols: no permission at all.

Two foreign rules on the host make the last two: one leaves a source port untracked, one expects a TCP connection back
from whoever gets a datagram of other source ports, as a helper for FTP or SIP would. Nothing more is expected of what
is remembered, so those ports are many; and they are not TCP's, for a reset would end what is expected.
"""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, fresh_key
from sandbox.probe.shots import Behind, Shot
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT

_UNTRACKED, _EXPECTED = 19, 9999
_EXPECTING = range(10000, 20000)
_EXPERIMENT = 253
_TCP: Behind = (socket.AF_INET, socket.IPPROTO_TCP)
_ICMP: Behind = (socket.AF_INET, socket.IPPROTO_ICMP)

FOREIGN = f"""
table inet lab_states {{
    ct expectation back {{
        protocol tcp
        dport {_EXPECTED}
        timeout 5s
        size 16
        l3proto ip
    }}
    chain untracked {{
        type filter hook prerouting priority raw + 10; policy accept;
        udp sport {_UNTRACKED} notrack
    }}
    chain passing {{
        type filter hook prerouting priority mangle; policy accept;
        udp sport {_EXPECTING[0]}-{_EXPECTING[-1]} ct expectation set "back"
    }}
    chain leaving {{
        type filter hook output priority mangle; policy accept;
        udp sport {_EXPECTING[0]}-{_EXPECTING[-1]} ct expectation set "back"
    }}
}}
"""
"""What the host must have loaded."""


def shots(ground: Ground) -> Iterator[Shot]:
    """One of each kind over each cell that is open, and through each gate alone where somebody outside may open one."""
    for source, destination in _open(ground, Protocol.TCP):
        yield _strange(ground, source, destination)
    for source, destination in _open(ground, Protocol.UDP):
        if destination in ground.segments:
            yield from _back(ground, source, destination)
        yield _untracked(ground, source, destination)
        yield _nobody_listens(ground, source, destination)
    for segment in ground.segments:
        yield from _of_host(ground, segment)
        yield _another_protocol(ground, segment)


def _open(ground: Ground, protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Cells between places in which this protocol has an open port, the host as a destination among them."""
    places = [node for node in ground.matrix.nodes if node in ground.stands]
    for source in places:
        for destination in places:
            ours = not ground.matrix.cell(source, destination).foreign and source != destination
            if ours and source != Node.HOST and ground.port(source, destination, protocol):
                yield source, destination


def _strange(ground: Ground, source: str, destination: str) -> Shot:
    port = ground.port(source, destination, Protocol.TCP) or PLAIN_PORT
    opener, server = ground.stands[source], ground.server(destination, source)
    key, packet = _syn((opener.address, server.address), port, also=packets.FIN)
    heard = _TCP if destination == Node.HOST else None
    name = f"{source} → {destination} tcp/{port}, SYN with FIN"
    return Shot(name, opener.netns, server.netns, (packet,), key, arrives=False, heard=heard)


def _back(ground: Ground, source: str, destination: str) -> Iterator[Shot]:
    """A datagram, and what is then expected back: from whoever gets it, where he may open nothing there."""
    port = ground.port(source, destination, Protocol.UDP) or PLAIN_PORT
    opener, server = ground.stands[source], ground.server(destination, source)
    if not ground.matrix.cell(destination, source).allows(Protocol.TCP, _EXPECTED):
        ends, places = (opener.address, server.address), (opener.netns, server.netns)
        yield from _expected_back(f"{source} → {destination} udp/{port}", ends, places, port)


def _untracked(ground: Ground, source: str, destination: str) -> Shot:
    port = ground.port(source, destination, Protocol.UDP) or PLAIN_PORT
    opener, server = ground.stands[source], ground.server(destination, source)
    key, packet = _datagram((opener.address, server.address), (_UNTRACKED, port))
    heard = (socket.AF_INET, socket.IPPROTO_UDP) if destination == Node.HOST else None
    # the host judges what comes to itself without asking whether it is tracked
    arrives = destination == Node.HOST
    name = f"{source} → {destination} udp/{port}, untracked"
    return Shot(name, opener.netns, server.netns, (packet,), key, arrives, heard=heard)


def _nobody_listens(ground: Ground, source: str, destination: str) -> Shot:
    """A datagram to an open port without a listener: the error that says so must come back."""
    port = ground.port(source, destination, Protocol.UDP) or PLAIN_PORT
    opener, server = ground.stands[source], ground.server(destination, source)
    key, packet = _datagram((opener.address, server.address), (fresh_port(), port))
    name = f"{source} → {destination} udp/{port}, the error that nobody listens"
    return Shot(name, opener.netns, opener.netns, (packet,), key, arrives=True)


def _of_host(ground: Ground, segment: str) -> Iterator[Shot]:
    """What the host opens from a segment's router address, to the segment and to the LAN: answers and errors come back.

    What is expected back does not.
    """
    router = ground.router(segment)
    for node, end in ((segment, ground.server(segment)), (Node.LAN.value, ground.server(Node.LAN))):
        name = f"host's {router} → {node}"
        ends = (router, end.address)
        key, packet = _datagram(ends, (fresh_port(), PLAIN_PORT))
        yield _at_host(f"{name} udp/{PLAIN_PORT}, the error that nobody listens", ground.host, packet, key)
        key = fresh_key()
        packet = packets.ipv4(*ends, socket.IPPROTO_ICMP, packets.echo_request(fresh_port(), key))
        yield _at_host(f"{name} icmp, the answer", ground.host, packet, key)
        yield from _expected_back(name, ends, (ground.host, end.netns), PLAIN_PORT)


def _another_protocol(ground: Ground, segment: str) -> Shot:
    """A protocol for experiments (RFC 3692) with bytes where TCP and UDP have their ports."""
    key, own, router = fresh_key(), ground.stands[segment], ground.router(segment)
    body = packets.DNS_PORT.to_bytes(2, "big") * 2 + key
    packet = packets.ipv4(own.address, router, _EXPERIMENT, body)
    name = f"{segment} → host, protocol {_EXPERIMENT} with the bytes of port {packets.DNS_PORT}"
    heard = (socket.AF_INET, _EXPERIMENT)
    return Shot(name, own.netns, ground.host, (packet,), key, arrives=False, heard=heard)


def _at_host(name: str, host: Path, packet: bytes, key: bytes) -> Shot:
    return Shot(name, host, host, (packet,), key, arrives=True, heard=_ICMP)


def _expected_back(
    name: str, ends: tuple[IPv4Address, IPv4Address], places: tuple[Path, Path], port: int
) -> Iterator[Shot]:
    key, packet = _datagram(ends, (_EXPECTING[fresh_port() % len(_EXPECTING)], port))
    yield Shot(f"{name}, as FTP does", *places, (packet,), key, arrives=True)
    key, packet = _syn((ends[1], ends[0]), _EXPECTED)
    name = f"{name}, expected back tcp/{_EXPECTED}"
    yield Shot(name, places[1], places[0], (packet,), key, arrives=False, heard=_TCP)


def _syn(ends: tuple[IPv4Address, IPv4Address], port: int, *, also: int = 0) -> tuple[bytes, bytes]:
    """A key and the first packet of a connection that has it."""
    key = fresh_key(4)
    syn = packets.tcp_syn(*ends, (fresh_port(), port), int.from_bytes(key, "big"), also)
    return key, packets.ipv4(*ends, socket.IPPROTO_TCP, syn)


def _datagram(ends: tuple[IPv4Address, IPv4Address], ports: tuple[int, int]) -> tuple[bytes, bytes]:
    """A key and a datagram that has it."""
    key = fresh_key()
    return key, packets.ipv4(*ends, socket.IPPROTO_UDP, packets.udp(*ends, ports, key))
