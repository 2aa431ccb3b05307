"""False source addresses: from a guest, from the LAN, from the Internet, from a container."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, fresh_key
from sandbox.probe.shots import Shot
from sandbox.probe.stands import End
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT

STRANGER = IPv4Address("203.0.113.77")
"""An Internet address that nobody has."""

_BOTH = (Protocol.TCP, Protocol.UDP)


def shots(ground: Ground) -> Iterator[Shot]:
    """Every segment as every other one, as the LAN and as the Internet; everybody else as every segment.

    A false source always is one to which the intent gives more than to the true one, where there is such a target. Each
    sender also shoots with its true address at its neighbour, and at something it may open: that must arrive.
    """
    for segment in ground.segments:
        yield from _honest(ground, segment)
        sender = ground.stands[segment].netns
        for other in ground.others(segment):
            target = _target(ground, segment, other)
            yield from _as_another(ground, segment, sender, other, target)
        for target in (*ground.others(segment)[:1], Node.INTERNET.value):
            for source, words in ((STRANGER, "the Internet"), (ground.stands[Node.LAN].address, "the LAN")):
                name = f"{segment} pretends to be {words} towards {target}"
                yield from both(name, sender, (source, ground.server(target)), (PLAIN_PORT, PLAIN_PORT), arrives=False)
    for outsider in (Node.LAN.value, Node.INTERNET.value, Node.DOCKER0.value):
        if outsider in ground.stands:
            for other in ground.segments:
                target = _target(ground, outsider, other)
                inner = target if target in ground.segments else ground.others(other)[0]
                yield from _as_another(ground, outsider, ground.stands[outsider].netns, other, inner)


def _as_another(ground: Ground, sender: str, netns: Path, other: str, target: str) -> Iterator[Shot]:
    source = ground.stands[other].address
    ports = [ground.port(other, target, protocol) or PLAIN_PORT for protocol in _BOTH]
    name = f"{sender} pretends to be {other} towards {target}"
    yield from both(name, netns, (source, ground.server(target)), (ports[0], ports[1]), arrives=False)


def _target(ground: Ground, sender: str, other: str) -> str:
    """Whom `other` may open something to and `sender` should not reach under that name; any segment if nobody."""
    places = [*ground.others(sender, other), Node.INTERNET.value]
    granted = [place for place in places if all(ground.port(other, place, protocol) for protocol in _BOTH)]
    return (granted or places)[0]


def _honest(ground: Ground, segment: str) -> Iterator[Shot]:
    stand = ground.stands[segment]
    for target in (segment, *ground.others(segment), Node.INTERNET.value):
        ports = [ground.port(segment, target, protocol) for protocol in _BOTH]
        if ports[0] and ports[1]:
            name = f"{segment} with its true address towards {target}"
            route = (stand.address, ground.server(target))
            yield from both(name, stand.netns, route, (ports[0], ports[1]), arrives=True)


def both(
    name: str, sender: Path, route: tuple[IPv4Address, End], ports: tuple[int, int], *, arrives: bool
) -> Iterator[Shot]:
    """A SYN and a datagram.

    Args:
        name: what is tried.
        sender: file of the sender's namespace.
        route: source address, true or not, and target.
        ports: destination ports of TCP and UDP.
        arrives: whether they should arrive.
    """
    source, target = route
    key = fresh_key(4)
    syn = packets.tcp_syn(source, target.address, (fresh_port(), ports[0]), int.from_bytes(key, "big"))
    whole = packets.ipv4(source, target.address, 6, syn)
    yield Shot(f"{name}, tcp/{ports[0]}", sender, target.netns, (whole,), key, arrives)
    key = fresh_key()
    datagram = packets.udp(source, target.address, (fresh_port(), ports[1]), key)
    whole = packets.ipv4(source, target.address, 17, datagram)
    yield Shot(f"{name}, udp/{ports[1]}", sender, target.netns, (whole,), key, arrives)
