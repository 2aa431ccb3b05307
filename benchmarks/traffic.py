"""What a packet pays for the policy: throughput and new connections beside the least stateful rules, and by size."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from benchmarks.connects import connects
from benchmarks.demands import Demand, at_least, within
from benchmarks.networks import STACK, Shape, write
from benchmarks.report import Table
from benchmarks.router import Network, Router, Rules
from benchmarks.throughput import throughput
from sandbox.command import progress
from sandbox.paths import ROOT
from sandbox.project import STACK as OWNERS

ROUNDS = 7
"""The least number of rounds: the demand speaks of a median of seven."""
LEAST = 0.95
"""What must be left of the figures of the minimal table, under ours."""
FLAT = 3.0
"""By how many hundredths a figure may differ between few segments and many."""

_SIZES = (5, 50, 200)
_TURNS = 40
_SENT = 8
_WAY, _PORT = ("public", "database"), 5432
# Number 3 opens tcp/8000-8010 and others to number 4, by way of the sets with ports: the longest way through the gates.
_MADE_WAY, _MADE_PORT = ("seg-3", "seg-4"), 8000

Measure = Callable[[Sequence[Router]], list[float]]
"""Measures every router in one round: the more, the better."""


@dataclass(frozen=True)
class Series:
    """What came of one router, round by round.

    Attributes:
        name: what the router held.
        values: one figure a round: bits or connections a second.
    """

    name: str
    values: tuple[float, ...]

    def beside(self, base: "Series") -> float:
        """The median of the ratios of each round: what disturbs a whole round weighs on both."""
        return median(mine / other for mine, other in zip(self.values, base.values, strict=True))

    def ratios(self, base: "Series") -> str:
        """`0.97× (0.95–0.99)`: the median ratio, and the least and the most."""
        each = [mine / other for mine, other in zip(self.values, base.values, strict=True)]
        return f"{median(each):.3f}× ({min(each):.2f}–{max(each):.2f})"


def tables(rounds: int) -> Iterator[Table]:
    """Measure both figures, for the owner's network and for networks that grow.

    Args:
        rounds: how often; seven at least.
    """
    rounds = max(rounds, ROUNDS)
    network = Network.read(ROOT, OWNERS, _WAY, _PORT)
    held = {
        "the minimal table": network.minimal,
        "it, and source NAT": network.translating,
        "it, source NAT and the routing rules": network.two_walls,
        "our policy": network.ours,
    }
    two = {name: rules for name, rules in held.items() if rules in {network.minimal, network.ours}}
    sent = _measured("throughput", [(name, network, rules) for name, rules in two.items()], _gigabits, rounds)
    yield beside("TCP throughput between two segments", "Gbit/s", "throughput", sent)
    opened = _measured("connections", [(name, network, rules) for name, rules in held.items()], _rate, rounds)
    yield beside("New TCP connections between two segments", "a second", "new connections", opened)
    with TemporaryDirectory() as folder:
        grown = [(f"{size} segments", one, one.ours) for size, one in _made(Path(folder)).items()]
        yield growing("TCP throughput, by size", "Gbit/s", _measured("throughput", grown, _gigabits, rounds))
        yield growing("New TCP connections, by size", "a second", _measured("connections", grown, _rate, rounds))


def beside(title: str, unit: str, what: str, series: Sequence[Series]) -> Table:
    """The table of several rule sets; the first is the measure, the last is ours and has a demand on it."""
    base, ours = series[0], series[-1]
    demand = at_least(f"{what} under our policy, beside the minimal table", ours.beside(base), LEAST, "{:.3f}×")
    rows = [
        (one.name, _middle(one), one.ratios(base), demand.cell if one is ours else "")
        for one in series
    ]  # fmt: skip
    return Table(title, ("the router holds", unit, "ratio", "demand"), tuple(rows), demands=(demand,))


def growing(title: str, unit: str, series: Sequence[Series]) -> Table:
    """The table of our policy for several sizes; the first is the measure of all others."""
    base, *larger = series
    found: list[Demand] = [within(f"{title}: {one.name}", one.beside(base), 1.0, FLAT) for one in larger]
    signs = ["", *(one.cell for one in found)]
    rows = [(one.name, _middle(one), one.ratios(base), sign) for one, sign in zip(series, signs, strict=True)]
    return Table(title, ("the network has", unit, "ratio", "demand"), tuple(rows), demands=tuple(found))


def _middle(series: Series) -> str:
    value = median(series.values)
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def _made(folder: Path) -> dict[int, Network]:
    made: dict[int, Network] = {}
    for size in _SIZES:
        place = folder / str(size)
        place.mkdir()
        write(place, Shape("3 flows a segment", 3), size)
        made[size] = Network.read(place, STACK, _MADE_WAY, _MADE_PORT)
    return made


def _measured(
    what: str, wanted: Sequence[tuple[str, Network, Rules]], measure: Measure, rounds: int
) -> tuple[Series, ...]:
    with ExitStack() as closing:
        routers = [closing.enter_context(Router(network, rules)) for _, network, rules in wanted]
        values: list[list[float]] = []
        for number in range(rounds):
            progress(f"traffic, {what}: round {number + 1} of {rounds}, {', '.join(name for name, *_ in wanted)}")
            # Who begins changes from round to round as well.
            first = number % len(routers)
            turned = measure([*routers[first:], *routers[:first]])
            values.append([turned[(index - first) % len(routers)] for index in range(len(routers))])
    return tuple(Series(name, tuple(of)) for (name, *_), of in zip(wanted, zip(*values, strict=True), strict=True))


def _gigabits(routers: Sequence[Router]) -> list[float]:
    """Gigabits a second in the quarter of the turns that were disturbed least."""
    return [quantiles(bits, n=4)[2] / 1e9 for bits in throughput(routers, _SENT)]


def _rate(routers: Sequence[Router]) -> list[float]:
    """Connections a second, likewise."""
    return [1 / quantiles(seconds, n=4)[0] for seconds in connects(routers, _TURNS)]
