"""From a matrix to the probes that prove it: what to try in each cell, and what should come of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from twinvpc.model.nodes import Node
from twinvpc.model.services import HIGHEST_PORT, Protocol
from twinvpc.proof.cells import Cell, Matrix
from twinvpc.proof.intent import DHCP
from twinvpc.proof.probes import Expectation, Observation, Probe

PLAIN_PORT = 41999
"""A port that nobody's policy names, tried in every cell."""

_LEASE = (Protocol.UDP, DHCP.first)  # a lease shows it; dnsmasq answers nothing else there


@dataclass(frozen=True)
class Clients:
    """Addresses under which nodes are seen.

    Attributes:
        own: each node's address where it opens something itself.
        routers: router address of each segment: the host's address on that side.
        uplink: the host's address towards LAN and Internet, behind which segments are masqueraded.
    """

    own: Mapping[str, IPv4Address]
    routers: Mapping[str, IPv4Address]
    uplink: IPv4Address

    def seen_by(self, destination: str, source: str) -> IPv4Address:
        """The client address that the destination must see."""
        if source in {Node.HOST, Node.DOCKER0}:  # Docker masquerades whatever leaves its bridge
            return self.routers[destination]
        if destination in {Node.INTERNET, Node.LAN} and source in self.routers:
            return self.uplink
        return self.own[source]


def expectations(
    matrix: Matrix, measured: Iterable[str], clients: Clients, answering: frozenset[int] = frozenset()
) -> tuple[Expectation, ...]:
    """What should come of every probe of every cell that is ours.

    Args:
        matrix: the intent.
        measured: nodes that can be stood in.
        clients: their addresses.
        answering: ports of the host where a real service answers, which does not tell whom it saw.
    """
    nodes = [node for node in matrix.nodes if node in set(measured)]
    named = _named_ports(matrix)
    found: list[Expectation] = []
    for source in nodes:
        for destination in nodes:
            cell = matrix.cell(source, destination)
            if cell.foreign or (source == destination and source in set(Node)):
                continue
            for probe in _probes(source, destination, cell, named):
                silent = destination == Node.HOST and probe.port in answering
                permitted = cell.allows(probe.protocol, probe.port)
                client = None if silent or not permitted else clients.seen_by(destination, source)
                found.append(Expectation(probe, permitted, client))
    return tuple(found)


def foreign_probes(matrix: Matrix, measured: Iterable[str]) -> tuple[Probe, ...]:
    """One try of each protocol in every cell that is not ours: they must stay what they were without us."""
    nodes = [node for node in matrix.nodes if node in set(measured)]
    return tuple(
        probe
        for source in nodes
        for destination in nodes
        if source != destination and matrix.cell(source, destination).foreign
        for probe in _plain(source, destination)
    )


def as_before(baseline: Iterable[Observation]) -> tuple[Expectation, ...]:
    """What foreign cells should still be: exactly what was measured before."""
    return tuple(Expectation(seen.probe, seen.open, seen.seen_as) for seen in baseline)


def _plain(source: str, destination: str) -> Iterator[Probe]:
    yield Probe(source, destination, Protocol.TCP, PLAIN_PORT)
    yield Probe(source, destination, Protocol.UDP, PLAIN_PORT)
    yield Probe(source, destination, Protocol.ICMP)


def _probes(source: str, destination: str, cell: Cell, named: Mapping[Protocol, frozenset[int]]) -> Iterator[Probe]:
    """The plain port, every port that any cell names, and the neighbours of this cell's own ranges."""
    yield Probe(source, destination, Protocol.ICMP)
    for protocol, spans in ((Protocol.TCP, cell.tcp), (Protocol.UDP, cell.udp)):
        edges = {port for first, last in spans for port in (first - 1, first, last, last + 1)}
        ports = edges | {PLAIN_PORT} | named[protocol]
        for port in sorted(port for port in ports if 0 < port <= HIGHEST_PORT):
            if (protocol, port) != _LEASE:
                yield Probe(source, destination, protocol, port)


def _named_ports(matrix: Matrix) -> Mapping[Protocol, frozenset[int]]:
    """The first port of every range that some cell names, and machines' own: no rule may leak into another cell."""
    tcp = frozenset(first for cell in matrix.permitted.values() for first, _ in cell.tcp)
    udp = frozenset(first for cell in matrix.permitted.values() for first, _ in cell.udp)
    return {Protocol.TCP: tcp | matrix.machine_ports, Protocol.UDP: udp}
