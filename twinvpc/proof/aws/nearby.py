"""Which pairs of nodes have to be tried: a big network opens few of its pairs, and the rest need no look."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from twinvpc.proof.aws.graph import PeerKind
from twinvpc.proof.aws.judges import bounds
from twinvpc.proof.aws.paths import Layer
from twinvpc.proof.aws.places import INTERNET, SERVICES, Place
from twinvpc.proof.aws.wiring import Wiring


def pairs(wiring: Wiring, places: Sequence[Place], layers: frozenset[Layer]) -> Iterator[tuple[str, str]]:
    """Pairs between which something may pass, each once; every pair that is left out is closed.

    Where groups judge, nobody is reached whose ingress rules do not speak of the opener.
    """
    nodes = [place.node for place in places]
    near = _Near(wiring, places)
    for destination in places:
        openers = near.openers(destination) if Layer.GROUPS in layers else nodes
        yield from ((source, destination.node) for source in openers)
        yield INTERNET, destination.node
    for node in nodes:
        yield node, INTERNET
        if wiring.endpoints:
            yield node, SERVICES


class _Near:
    """Segments by group and by address."""

    def __init__(self, wiring: Wiring, places: Sequence[Place]) -> None:
        self._wiring = wiring
        self._bearers: dict[str, list[str]] = {}
        homes: list[tuple[int, int, str]] = []
        for place in places:
            for key in place.groups:
                self._bearers.setdefault(key, []).append(place.node)
            homes += [(*bounds(wiring.subnets[key].cidr), place.node) for key in place.subnets]
        self._homes = sorted(homes)
        self._ends = [last for _, last, _ in self._homes]  # sorted as well: subnets of a VPC do not overlap

    def openers(self, destination: Place) -> list[str]:
        """Segments of which the ingress rules of a segment's groups speak."""
        found: set[str] = set()
        for key in destination.groups:
            for rule in self._wiring.groups[key].rules:
                if rule.egress:
                    continue
                if rule.peer.kind is PeerKind.GROUP:
                    found.update(self._bearers.get(rule.peer.key, ()))
                elif rule.peer.kind is PeerKind.CIDR:
                    found.update(self._within(rule.peer.cidr))
        return sorted(found)

    def _within(self, block: IPv4Network) -> Iterator[str]:
        first, last = bounds(block)
        for start, _, node in self._homes[bisect_left(self._ends, first) :]:
            if start > last:
                return
            yield node
