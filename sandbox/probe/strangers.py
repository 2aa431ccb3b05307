"""False sources of those who are no segment: strangers under each other's addresses."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from sandbox.probe.ground import Ground
from sandbox.probe.shots import Shot
from sandbox.probe.spoofing import both
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT

_STRANGERS = (Node.LAN, Node.INTERNET, Node.DOCKER0, Node.TAILNET)
_ONE_CABLE = (Node.INTERNET, Node.LAN)
"""Both come by the uplink, so it is the home's router that must tell them apart."""


def shots(ground: Ground) -> Iterator[Shot]:
    """Every stranger as every other one, towards each segment that the other may enter."""
    here = [node.value for node in _STRANGERS if node in ground.stands]
    for sender in here:
        for other in here:
            if sender != other and (sender, other) != _ONE_CABLE:
                yield from _as_another(ground, sender, other)


def _as_another(ground: Ground, sender: str, other: str) -> Iterator[Shot]:
    source: IPv4Address = ground.stands[other].address
    for target in ground.segments:
        tcp, udp = (ground.port(other, target, protocol) for protocol in (Protocol.TCP, Protocol.UDP))
        own = ground.matrix.cell(sender, target)
        if (tcp or udp) and not (own.allows(Protocol.TCP, tcp or 1) or own.allows(Protocol.UDP, udp or 1)):
            name = f"{sender} pretends to be {other} towards {target}"
            route = (source, ground.server(target))
            ports = (tcp or PLAIN_PORT, udp or PLAIN_PORT)
            yield from both(name, ground.stands[sender].netns, route, ports, arrives=False)
