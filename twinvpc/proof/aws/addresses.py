"""Which addresses have to be tried, so that all others are known: one of each kind that no rule tells apart."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

from twinvpc.proof.aws.graph import AwsGraph, PeerKind
from twinvpc.proof.aws.judges import bounds

# What the Internet is not (twinvpc.model.nodes.Node.INTERNET). Documentation blocks count as public there.
_NOT_PUBLIC = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/3",
    )
)  # fmt: skip
_HIGHEST = 2**32 - 1

Range = tuple[int, int]
"""First and last address, as numbers."""


def public(vpc: Iterable[IPv4Network]) -> tuple[Range, ...]:
    """The public addresses, without a VPC's own."""
    found: list[Range] = []
    start = 0
    for first, last in sorted(bounds(block) for block in (*_NOT_PUBLIC, *vpc)):
        if first > start:
            found.append((start, first - 1))
        start = max(start, last + 1)
    return (*found, (start, _HIGHEST)) if start <= _HIGHEST else tuple(found)


def blocks(graph: AwsGraph) -> tuple[IPv4Network, ...]:
    """Every block that some rule, entry or route speaks of."""
    found = {rule.peer.cidr for group in graph.groups for rule in group.rules if rule.peer.kind is PeerKind.CIDR}
    found |= {entry.cidr for acl in graph.acls for entry in acl.entries}
    found |= {route.destination for table in graph.tables for route in table.routes}
    return tuple(sorted(found))


class Samples:
    """Representatives of ranges of addresses, with respect to all blocks that anything speaks of."""

    def __init__(self, spoken_of: Sequence[IPv4Network]) -> None:
        self._bounds = [bounds(block) for block in spoken_of]
        self._edges = sorted({edge for first, last in self._bounds for edge in (first, last + 1)})

    def of(self, ranges: Iterable[Range]) -> tuple[int, ...]:
        """One address for each combination of blocks that addresses of these ranges lie in."""
        pieces: list[int] = []
        for first, last in ranges:
            pieces += [first, *self._edges[bisect_right(self._edges, first) : bisect_left(self._edges, last + 1)]]
        if len(pieces) == 1:
            return tuple(pieces)
        near = [
            (low, high) for low, high in self._bounds if any(low <= last and first <= high for first, last in ranges)
        ]
        kinds = {tuple(low <= piece <= high for low, high in near): piece for piece in reversed(pieces)}
        return tuple(sorted(kinds.values()))
