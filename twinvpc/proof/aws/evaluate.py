"""What may be opened in a VPC: for every pair of nodes, from all of the one's subnets to all of the other's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from twinvpc.proof.aws.nearby import pairs
from twinvpc.proof.aws.paths import Check, Layer, Leg, Seat, path
from twinvpc.proof.aws.places import INTERNET, SERVICES, TASK_NEEDS, Place
from twinvpc.proof.aws.ports import (
    ANY_EPHEMERAL_NEEDED,
    FULL,
    LINUX_EPHEMERAL,
    NOTHING,
    Ports,
    both,
    cell,
    covers,
    tidy,
)
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import Cell, Matrix

ALL_LAYERS = frozenset(Layer)
SOURCES = {Leg.ANSWER: LINUX_EPHEMERAL, Leg.ANSWER_TO_ANY: ANY_EPHEMERAL_NEEDED}
"""To which ports answers have to come back."""


class Passes(NamedTuple):
    """What gets through.

    Attributes:
        always: for every address and every source port.
        sometimes: for some.
    """

    always: Ports
    sometimes: Ports


class Trial(NamedTuple):
    """One subnet, or the world outside, tried from another."""

    source: str
    destination: str
    passes: Passes


@dataclass(frozen=True)
class Reach:
    """A cell of the graph.

    Attributes:
        always: what passes from each subnet to each, whatever address and source port are used.
        sometimes: what passes from some subnet to some.
        trials: pair by pair, only where the two differ.
    """

    always: Ports = NOTHING
    sometimes: Ports = NOTHING
    trials: tuple[Trial, ...] = ()

    @property
    def cell(self) -> Cell:
        """What is open."""
        return cell(self.always)

    @property
    def partly(self) -> Cell:
        """What is open at least here and there."""
        return cell(self.sometimes, some=True)

    @property
    def exact(self) -> bool:
        """Whether every subnet is treated alike."""
        return self.always == self.sometimes


CLOSED = Reach()


@dataclass(frozen=True)
class Reached:
    """The whole matrix of a graph; pairs between which nothing passes are not stored.

    Attributes:
        nodes: segments first, then the Internet and the services of AWS, if the VPC has endpoints.
        reach: what passes.
    """

    nodes: tuple[str, ...]
    reach: Mapping[tuple[str, str], Reach]

    def of(self, source: str, destination: str) -> Reach:
        """One cell."""
        return self.reach.get((source, destination), CLOSED)

    def matrix(self) -> Matrix:
        """What is open, as every other matrix has it."""
        return Matrix(self.nodes, {pair: one.cell for pair, one in self.reach.items() if one.always != NOTHING})


def evaluate(wiring: Wiring, places: Sequence[Place], layers: frozenset[Layer] = ALL_LAYERS) -> Reached:
    """Judge every pair of nodes.

    Cells are about TCP, UDP and ICMP. All three open in full make a cell `all`; other protocols have no ports by which
    an ACL could tell answers from openings.

    Args:
        wiring: the VPC.
        places: the segments.
        layers: which walls judge; the others are taken to be open. Open routes lead everywhere, but where a route
            leads to a NAT gateway, the way still goes by it.
    """
    seats = seated(wiring, places)
    found: dict[tuple[str, str], Reach] = {}
    for source, destination in pairs(wiring, places, layers):
        one = _reach(wiring, seats[source], seats[destination], layers)
        if one.sometimes != NOTHING:
            found[source, destination] = one
    return Reached(tuple(seats), found)


def seated(wiring: Wiring, places: Iterable[Place]) -> dict[str, tuple[Seat, ...]]:
    """Who has to be tried in each node, so that all others are known."""
    found = {
        place.node: tuple(
            Seat(place.node, address, key, place.groups)
            for key in place.subnets
            for address in wiring.addresses(wiring.subnets[key])
        )
        for place in places
    }
    found[INTERNET] = tuple(Seat(INTERNET, address) for address in wiring.internet)
    return found | {SERVICES: tuple(_services(wiring))} if wiring.endpoints else found


def _services(wiring: Wiring) -> Iterator[Seat]:
    """Every endpoint that there is, and every service that a task needs and has none."""
    for one in wiring.graph.endpoints:
        if not one.interface:
            for address in wiring.internet:
                yield Seat(SERVICES, address, service=one.service, endpoint=one.key)
        for key in one.subnets:
            for address in wiring.addresses(wiring.subnets[key]):
                yield Seat(SERVICES, address, key, one.groups, one.service, one.key)
    there = [one.service for one in wiring.graph.endpoints]
    for need in TASK_NEEDS:
        if not any(service.endswith(f".{need}") for service in there):
            yield Seat(SERVICES, 0, service=need)


def _reach(wiring: Wiring, sources: Sequence[Seat], destinations: Sequence[Seat], layers: frozenset[Layer]) -> Reach:
    always, sometimes = FULL, NOTHING
    tried: list[tuple[Seat, Seat, Passes]] = []
    for source, destination in product(sources, destinations):
        one = passes(path(wiring, source, destination), layers)
        tried.append((source, destination, one))
        always &= one.always
        sometimes |= one.sometimes
    if always == sometimes or sometimes is NOTHING:
        return Reach(always, sometimes) if sometimes is not NOTHING else CLOSED
    by_label: dict[tuple[str, str], Passes] = {}
    for source, destination, one in tried:
        label = source.label, destination.label
        other = by_label.get(label, Passes(FULL, NOTHING))
        by_label[label] = Passes(other.always & one.always, other.sometimes | one.sometimes)
    return Reach(always, sometimes, tuple(Trial(*label, one) for label, one in by_label.items()))


def passes(checks: Iterable[Check], layers: frozenset[Layer] = ALL_LAYERS) -> Passes:
    """What gets through all checks of a path.

    A connection is open only if its answers come back, to every source port that the opener may draw.
    """
    forward = FULL
    back = {Leg.ANSWER: FULL, Leg.ANSWER_TO_ANY: FULL}
    for one in checks:
        if one.layer in layers:
            if one.leg is Leg.FORWARD:
                forward &= one.passes
            else:
                back[one.leg] &= one.passes
    if forward is NOTHING:
        return Passes(NOTHING, NOTHING)
    always = sometimes = forward
    for leg, ports in back.items():
        if ports is not FULL:
            all_of, some_of = answered(ports, leg)
            always &= all_of
            sometimes &= some_of
    return Passes(always, sometimes)


@lru_cache(maxsize=4096)
def answered(ports: Ports, leg: Leg) -> tuple[Ports, Ports]:
    """What may be opened if answers to these ports come back: to every source port, and to some."""
    sources = SOURCES[leg]
    every = (covers(ports.tcp, sources), covers(ports.udp, sources), ports.icmp == FULL.icmp)
    some = (bool(both(ports.tcp, sources)), bool(both(ports.udp, sources)), bool(ports.icmp))
    return _whole(every), _whole(some)


def _whole(open_: tuple[bool, bool, bool]) -> Ports:
    return tidy(*(spans if one else () for one, spans in zip(open_, FULL, strict=True)))


def answers(opened: Ports, leg: Leg) -> Ports:
    """To which ports answers have to come back so that these may be opened; the same ports for the opening itself."""
    if leg is Leg.FORWARD:
        return opened
    sources = SOURCES[leg]
    return tidy(sources if opened.tcp else (), sources if opened.udp else (), FULL.icmp if opened.icmp else ())
