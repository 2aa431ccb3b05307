"""The whole packet matrix on the sandbox host: guests brought up, every probe tried, guests taken away."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.demands import at_most
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure
from benchmarks.report import Table
from sandbox.command import progress
from sandbox.dell import World
from sandbox.engine import Engine
from sandbox.measure import rig, take_baseline
from sandbox.paths import ROOT
from sandbox.project import project

ALLOWED = 30.0
"""Seconds that the whole may take at most."""


@dataclass(frozen=True)
class _Lap:
    """One measurement, in seconds.

    Attributes:
        whole: guests included.
        matrix: the probes of the matrix.
        tries: what the matrix does not ask.
        counts: how many probes and tries there were.
    """

    whole: float
    matrix: float
    tries: float
    counts: tuple[int, int]


def tables(world: World, engine: Engine, rounds: int) -> Iterator[Table]:
    """Deploy the stack, measure its matrix several times, and take the stack away.

    Args:
        world: a sandbox host without the stack.
        engine: whose `pulumi` deploys it.
        rounds: how often the matrix is measured, each time with new guests.

    Raises:
        BenchmarkError: a cell is not as it should be, so that the time means nothing.
        CommandError: `pulumi` failed.
    """
    laid = project(world, engine, "benchmark")
    take_baseline(world)
    progress("matrix: deploying the stack")
    laid.pulumi("up", "--yes", "--skip-preview")
    laps: list[_Lap] = []
    for number in range(rounds):
        progress(f"matrix: round {number + 1} of {rounds}")
        laps.append(_lap(world))
    laid.pulumi("destroy", "--yes", "--skip-preview")
    probes, tries = laps[0].counts
    demand = at_most("whole packet matrix, guests included", max(lap.whole for lap in laps), ALLOWED, "{:.1f} s")
    rows = (
        _row("all of it, guests included", probes + tries, [lap.whole for lap in laps], demand.cell),
        _row("probes of the matrix", probes, [lap.matrix for lap in laps]),
        _row("tries beyond the matrix", tries, [lap.tries for lap in laps]),
    )
    yield Table("The packet matrix", ("what", "tries", "time", "most", "demand"), rows, demands=(demand,))


def _row(name: str, count: int, seconds: Sequence[float], demand: str = "") -> tuple[str, ...]:
    return name, str(count), str(Figure(tuple(seconds))), f"{max(seconds):.1f} s", demand


def _lap(world: World) -> _Lap:
    started = time.perf_counter()
    with rig(world, ROOT) as here:
        measured = here.measure()
        between = time.perf_counter()
        tries = here.tries()
        seconds = time.perf_counter() - between
    whole = time.perf_counter() - started
    wrong = [*measured.failures, *(f"{one.name}: {one.measured}" for one in tries if not one.right)]
    if wrong:
        raise BenchmarkError(f"the matrix is not as intended: {'; '.join(wrong[:3])}; see `make matrix`")
    return _Lap(whole, measured.seconds, seconds, (len(measured.observations), len(tries)))
