"""Machines that are reached through the host: false clients of theirs, and what one opens from its sshd's port."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, fresh_key
from sandbox.probe.shots import Shot
from sandbox.probe.spoofing import both
from sandbox.probe.stands import End
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.forwards import Way

_TCP = 6


def shots(ground: Ground, ways: Iterable[Way], calls: Mapping[str, IPv4Address]) -> Iterator[Shot]:
    """Everybody as a client of each machine; each machine as an opener, towards its own clients.

    Args:
        ground: the measured world.
        ways: ports of the host that lead to machines.
        calls: by machine and by node, an address that a foreign rule leads there.
    """
    host = ground.stands[Node.HOST].address
    for way in ways:
        for address, words in ((host, "by the host"), (calls[way.machine], "by a foreign forward")):
            yield from _as_clients(ground, way, address, words)
        for node in sorted(way.openers):
            yield from _opens(ground, way, node, calls[node])


def _as_clients(ground: Ground, way: Way, address: IPv4Address, words: str) -> Iterator[Shot]:
    server = End(ground.server(way.segment).netns, address)
    strangers = [Node.DOCKER0.value, Node.TAILNET.value, Node.LAN.value]
    for sender in (*ground.segments, *(node for node in strangers if node in ground.stands)):
        own = ground.matrix.cell(sender, way.segment).allows(Protocol.TCP, way.port)
        for other in sorted(way.openers if sender not in way.openers and not own else ()):
            name = f"{sender} pretends to be {other} towards {way.machine} {words}"
            route = (ground.stands[other].address, server)
            yield from both(name, ground.stands[sender].netns, route, (way.port, way.port), arrives=False)


def _opens(ground: Ground, way: Way, node: str, called: IPv4Address) -> Iterator[Shot]:
    """From the very port of its sshd, to an address that is translated: that is no answer. And what comes back."""
    machine, port, sequence = ground.server(way.segment).netns, fresh_port(), int.from_bytes(fresh_key(4), "big")
    syn = packets.tcp_syn(way.address, called, (way.port, port), sequence)
    packet = packets.ipv4(way.address, called, _TCP, syn)
    arrives = ground.matrix.cell(way.segment, node).allows(Protocol.TCP, port)
    name = f"{way.machine} opens from tcp/{way.port} what a foreign rule leads to {node}"
    yield Shot(name, machine, ground.stands[node].netns, (packet,), sequence.to_bytes(4, "big"), arrives)
    back = ((sequence + 1) % 2**32).to_bytes(4, "big")  # what a reset acknowledges
    yield Shot(f"{name}, the answer", machine, machine, (packet,), back, arrives, answer=True)
