"""Cells of the reachability matrix, and the matrix itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twinvpc.model.nodes import FIXED_NODES
from twinvpc.model.services import HIGHEST_PORT, Protocol, Service

Spans = tuple[tuple[int, int], ...]
"""Disjoint, sorted, non-touching port ranges, both ends included."""


@dataclass(frozen=True)
class Cell:
    """What one node may open to another.

    Attributes:
        everything: every protocol and port.
        icmp: ICMP.
        tcp: TCP ports.
        udp: UDP ports.
        foreign: not ours to rule: it must stay what it was without us.
    """

    everything: bool = False
    icmp: bool = False
    tcp: Spans = ()
    udp: Spans = ()
    foreign: bool = False

    def allows(self, protocol: Protocol, port: int = 0) -> bool:
        """Whether one try of this kind is permitted."""
        if self.everything:
            return True
        if protocol is Protocol.ICMP:
            return self.icmp
        spans = self.tcp if protocol is Protocol.TCP else self.udp
        return any(first <= port <= last for first, last in spans)

    def __str__(self) -> str:
        """As a person reads it: `all`, `–`, `·` for foreign, or the services."""
        if self.foreign:
            return "·"
        if self.everything:
            return "all"
        words = [f"tcp/{_span(s)}" for s in self.tcp] + [f"udp/{_span(s)}" for s in self.udp]
        return " ".join([*(["icmp"] if self.icmp else []), *words]) or "–"


ALL = Cell(everything=True)
DENIED = Cell()
FOREIGN = Cell(foreign=True)


def _span(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def cell_of(services: Iterable[Service]) -> Cell:
    """The cell that a collection of services makes, whatever their order and overlap."""
    ports: dict[Protocol, list[tuple[int, int]]] = {Protocol.TCP: [], Protocol.UDP: []}
    icmp = False
    for service in services:
        if service.protocol is Protocol.ANY:
            return ALL
        if service.protocol is Protocol.ICMP:
            icmp = True
        else:
            ports[service.protocol].append((service.first, service.last))
    return Cell(icmp=icmp, tcp=_union(ports[Protocol.TCP]), udp=_union(ports[Protocol.UDP]))


def _union(spans: list[tuple[int, int]]) -> Spans:
    """Sweep over the ports where a range starts or has just ended, counting how many are open."""
    edges: dict[int, int] = {}
    for first, last in spans:
        edges[first] = edges.get(first, 0) + 1
        edges[last + 1] = edges.get(last + 1, 0) - 1
    union: list[tuple[int, int]] = []
    depth, start = 0, 0
    for port in sorted(edges):
        before, depth = depth, depth + edges[port]
        if not before and depth:
            start = port
        elif before and not depth:
            union.append((start, min(port - 1, HIGHEST_PORT)))
    return tuple(union)


@dataclass(frozen=True)
class Matrix:
    """Every ordered pair of nodes and its cell; only cells that permit something are stored.

    Attributes:
        nodes: segments first, then fixed nodes, each in the order in which people read them.
        permitted: cells that permit something.
        machine_ports: TCP ports on which machines are reached through the host, so that every cell is tried on them.
        declared: cells that network.yaml permits and this stack denies by choice, with its setting that says so.
    """

    nodes: tuple[str, ...]
    permitted: Mapping[tuple[str, str], Cell] = field(default_factory=dict[tuple[str, str], Cell])
    machine_ports: frozenset[int] = frozenset()
    declared: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def cell(self, source: str, destination: str) -> Cell:
        """The cell of an ordered pair; fixed nodes among themselves are foreign."""
        if source in FIXED_NODES and destination in FIXED_NODES:
            return FOREIGN
        return self.permitted.get((source, destination), DENIED)
