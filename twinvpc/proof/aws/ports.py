"""Sets of ports as intervals: whole ranges are judged at once, never port by port."""

from typing import NamedTuple

from twinvpc.model.services import HIGHEST_PORT, Protocol
from twinvpc.proof.aws.graph import HIGHEST_ICMP_TYPE
from twinvpc.proof.cells import ALL, Cell, Spans

ALL_PORTS: Spans = ((1, HIGHEST_PORT),)
ALL_TYPES: Spans = ((0, HIGHEST_ICMP_TYPE),)
LINUX_EPHEMERAL: Spans = ((32768, 60999),)
"""Source ports of Linux (net.ipv4.ip_local_port_range), which containers on Fargate have too."""
ANY_EPHEMERAL: Spans = ((1024, HIGHEST_PORT),)
"""Source ports of NAT gateways, and of clients whose system nobody knows (Amazon VPC user guide, ephemeral ports)."""
ANY_EPHEMERAL_NEEDED: Spans = ((1024, 3388), (3390, HIGHEST_PORT))
"""Those of them that have to be answered. Scanners want 3389 closed to the Internet whoever opens; a gateway that draws
it, once in 64,512 times, loses that connection (docs/adr/0051)."""


def both(one: Spans, other: Spans) -> Spans:
    """What lies in both sets."""
    if one is other or not one:
        return one
    found: list[tuple[int, int]] = []
    left, right = 0, 0
    while left < len(one) and right < len(other):
        first = max(one[left][0], other[right][0])
        last = min(one[left][1], other[right][1])
        if first <= last:
            found.append((first, last))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)


def either(one: Spans, other: Spans) -> Spans:
    """What lies in one set or the other, neighbours joined."""
    if one is other or not other:
        return one
    joined: list[tuple[int, int]] = []
    for first, last in sorted((*one, *other)):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def without(one: Spans, other: Spans) -> Spans:
    """What lies in the first set and not in the other."""
    left: list[tuple[int, int]] = []
    for start, end in one:
        first = start
        for cut_first, cut_last in other:
            if cut_last < first or cut_first > end:
                continue
            if cut_first > first:
                left.append((first, cut_first - 1))
            first = cut_last + 1
        if first <= end:
            left.append((first, end))
    return tuple(left)


def covers(one: Spans, other: Spans) -> bool:
    """Whether the other set lies in the first."""
    return both(one, other) == other


class Ports(NamedTuple):
    """What something lets through: TCP ports, UDP ports, ICMP types."""

    tcp: Spans
    udp: Spans
    icmp: Spans

    def of(self, protocol: Protocol) -> Spans:
        """The set of one protocol; not for ANY."""
        if protocol is Protocol.ICMP:
            return self.icmp
        return self.tcp if protocol is Protocol.TCP else self.udp

    def __and__(self, other: "Ports") -> "Ports":
        """What both let through."""
        if self is FULL or other is NOTHING:
            return other
        if other is FULL or self is NOTHING or self is other:
            return self
        return tidy(both(self.tcp, other.tcp), both(self.udp, other.udp), both(self.icmp, other.icmp))

    def __or__(self, other: "Ports") -> "Ports":
        """What one of them lets through."""
        if self is FULL or other is NOTHING or self is other:
            return self
        if other is FULL or self is NOTHING:
            return other
        return tidy(either(self.tcp, other.tcp), either(self.udp, other.udp), either(self.icmp, other.icmp))


FULL = Ports(ALL_PORTS, ALL_PORTS, ALL_TYPES)
NOTHING = Ports((), (), ())
CONCRETE = (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
"""Protocols that cells tell apart."""


def tidy(tcp: Spans, udp: Spans, icmp: Spans) -> Ports:
    """A set of its own, or one of the two that are compared by identity."""
    found = Ports(tcp, udp, icmp)
    if found == NOTHING:
        return NOTHING
    return FULL if found == FULL else found


def span(protocol: Protocol, first: int, last: int) -> Ports:
    """What a rule's protocol and range mean; port 0 is nobody's."""
    if protocol is Protocol.ANY:
        return FULL
    if protocol is Protocol.ICMP:
        return tidy((), (), ((first, last),))
    ports = ((max(first, 1), last),) if last >= 1 else ()
    return tidy(ports, (), ()) if protocol is Protocol.TCP else tidy((), ports, ())


def cell(ports: Ports, *, some: bool = False) -> Cell:
    """The cell that a set makes.

    Args:
        ports: what passes.
        some: whether one type of ICMP is enough to call ICMP open.
    """
    icmp = bool(ports.icmp) if some else ports.icmp == ALL_TYPES
    if icmp and ports.tcp == ALL_PORTS and ports.udp == ALL_PORTS:
        return ALL
    return Cell(icmp=icmp, tcp=ports.tcp, udp=ports.udp)


def ports_of(one: Cell) -> Ports:
    """What a cell permits, as a set."""
    return FULL if one.everything else tidy(one.tcp, one.udp, ALL_TYPES if one.icmp else ())
