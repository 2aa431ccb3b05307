"""Where else somebody could be called than at the nodes of the matrix, and who tries it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from sandbox.mutation.foreign import ELSEWHERE, NO_PEER, Led, neighbour
from sandbox.probe.lab import CONTAINER, RESOLVER, LabSegment, Segment
from sandbox.probe.stands import End, Stand
from twinvpc.model.nodes import FIXED_NODES, Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT
from twinvpc.proof.forwards import Way
from twinvpc.proof.probes import Probe

RESERVED = tuple(
    IPv4Address(text)
    for text in (
        "0.1.2.10", "10.200.0.10", "100.100.0.10", "169.254.7.10", "172.30.0.10", "192.0.0.10", "192.88.99.10",
        "192.168.77.10", "198.18.0.10", "240.0.0.10",
    )
)  # fmt: skip
"""One address of each block that is no part of the Internet and could be routed (IANA special-purpose registry)."""

_PLAIN = ((Protocol.TCP, PLAIN_PORT), (Protocol.UDP, PLAIN_PORT), (Protocol.ICMP, 0))


@dataclass(frozen=True)
class Place:
    """Somewhere to call.

    Attributes:
        stand: who answers there.
        callers: nodes that try.
        services: by which protocols and ports.
    """

    stand: Stand
    callers: tuple[str, ...]
    services: tuple[tuple[Protocol, int], ...] = _PLAIN

    @property
    def probes(self) -> Iterator[Probe]:
        """Every try."""
        return (Probe(caller, self.stand.node, *service) for caller in self.callers for service in self.services)


def places(
    stands: Mapping[str, Stand],
    segments: Iterable[Segment],
    retired: Iterable[LabSegment],
    ways: Iterable[Way],
    calls: Mapping[str, Led],
) -> Iterator[Place]:
    """Every place.

    Args:
        stands: where each node stands.
        segments: those that the lab has, retired ones included.
        retired: bridges of segments that are gone.
        ways: ports of the host that lead to machines.
        calls: addresses that foreign rules lead elsewhere.
    """
    gone = [one.name for one in retired]
    nodes = tuple(node for node in stands if node not in gone)
    inner = tuple(node for node in nodes if node not in FIXED_NODES)
    strangers = tuple(node for node in nodes if node in FIXED_NODES and node != Node.HOST)
    host = stands[Node.HOST].netns
    for name in gone:
        yield Place(stands[name], (*nodes, name))
        yield from (Place(stands[node], (name,)) for node in nodes)
    for segment in segments:
        yield Place(Stand(f"router address of {segment.name}", host, segment.cidr[1]), strangers)
    for address in RESERVED:
        reserved = Stand(f"{address}, no part of the Internet", stands[Node.INTERNET].netns, address)
        yield Place(reserved, inner, ((Protocol.UDP, 443),))
    internet = stands[Node.INTERNET]
    nowhere = Stand(f"{ELSEWHERE}, which the owner leads nowhere", internet.netns, ELSEWHERE)
    yield Place(nowhere, (Node.HOST.value, Node.DOCKER0.value), _PLAIN[:2])
    if Node.TAILNET in stands:
        nowhere = Stand(f"{NO_PEER}, which the owner leads nowhere", stands[Node.TAILNET].netns, NO_PEER)
        yield Place(nowhere, (Node.DOCKER0.value,), _PLAIN[:2])
    yield Place(Stand(f"{RESOLVER}, in a peer's net as well", internet.netns, RESOLVER), inner)
    for way in ways:
        yield from _of_machine(stands, way, (*inner, *strangers), calls)


def _of_machine(
    stands: Mapping[str, Stand], way: Way, callers: tuple[str, ...], calls: Mapping[str, Led]
) -> Iterator[Place]:
    """By its own address; by a foreign forward to it, and to its neighbour; by addresses that lead nowhere."""
    netns, own = stands[way.segment].answers("").netns, ((Protocol.TCP, way.port),)
    yield Place(Stand(f"{way.machine} itself", netns, way.address), callers, own)
    for name, place in ((way.machine, netns), (neighbour(way), stands[way.segment].netns)):
        one = calls[name]
        end = End(place, one.called, one.leads_to)
        stand = Stand(f"{name} by a foreign forward", place, one.called, end)
        yield Place(stand, callers, (*own, (Protocol.TCP, PLAIN_PORT)) if name == way.machine else own)
    router = stands[Node.HOST].towards[way.segment]
    for name, address in (("its router address", router), ("the container's address", CONTAINER)):
        stand = Stand(f"{way.machine} by {name}", netns, address, End(netns, address, way.address))
        yield Place(stand, tuple(sorted(way.openers)), own)
