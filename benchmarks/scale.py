"""How the pure core grows: from the owner's files to rules and matrix, for networks of 5 to 500 segments."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks.demands import at_most
from benchmarks.figures import Figure, exponent
from benchmarks.networks import STACK, Shape, write
from benchmarks.report import Table
from sandbox.command import progress
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import libvirt_plan, record
from twinvpc.model.files import NETWORK_FILE, read_yaml, stack_source
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import load
from twinvpc.policy import nftables, routing
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.intent import matrix

T = TypeVar("T")

ALLOWED = 1.1
"""The most that near-linear may mean: the exponent of time over rules."""

STAGES = ("read", "check", "addresses", "policy", "rules", "matrix")
_CONSTANT = (Shape("3 flows a segment", 3), (5, 50, 100, 200, 500))
_MESHED = (Shape("all to all", None), (5, 25, 50, 100))


@dataclass(frozen=True)
class _Run:
    """One walk through the pure core.

    Attributes:
        rules: set elements and policy-routing rules that came of it.
        stages: seconds of each of `STAGES`.
    """

    rules: int
    stages: tuple[float, ...]


def tables(rounds: int) -> Iterator[Table]:
    """Measure both shapes.

    Args:
        rounds: how often each size is measured; every round walks through all sizes.
    """
    for shape, sizes in (_CONSTANT, _MESHED):
        with TemporaryDirectory() as folder:
            yield _table(shape, sizes, rounds, Path(folder))


def _table(shape: Shape, sizes: Sequence[int], rounds: int, folder: Path) -> Table:
    runs: dict[int, list[_Run]] = {size: [] for size in sizes}
    for size in sizes:
        place = folder / str(size)
        place.mkdir()
        write(place, shape, size)
    for number in range(rounds):
        progress(f"scale, {shape.name}: round {number + 1} of {rounds}, {sizes[0]} to {sizes[-1]} segments")
        for size in sizes:
            runs[size].append(_walk(folder / str(size)))
    whole = {size: Figure(tuple(sum(run.stages) for run in runs[size])) for size in sizes}
    stages = {size: _stages(runs[size]) for size in sizes}
    rules = {size: runs[size][0].rules for size in sizes}
    least = whole[sizes[0]].median / rules[sizes[0]]
    rows = [
        (
            str(size), str(rules[size]), str(whole[size]), f"{1e6 * whole[size].median / rules[size]:.0f} µs",
            f"{whole[size].median / rules[size] / least:.2f}×", *(f"{1e3 * s.median:.1f}" for s in stages[size]),
        )
        for size in sizes
    ]  # fmt: skip
    counts = list(rules.values())
    powers = [exponent(counts, [stages[size][i].median for size in sizes]) for i in range(len(STAGES))]
    power = exponent(counts, [whole[size].median for size in sizes])
    demand = at_most(f"files to rules and matrix, {shape.name}", power, ALLOWED, "rules^{:.2f}")
    rows.append(("exponent", "", f"rules^{power:.2f}", "", demand.cell, *(f"^{p:.2f}" for p in powers)))
    head = ("segments", "rules", "time", "per rule", "of the smallest", *(f"{stage}, ms" for stage in STAGES))
    return Table(f"Pure core, {shape.name}", head, tuple(rows), demands=(demand,))


def _stages(runs: Sequence[_Run]) -> tuple[Figure, ...]:
    return tuple(Figure(seconds) for seconds in zip(*(run.stages for run in runs), strict=True))


def _walk(folder: Path) -> _Run:
    """Go through the pure core once, from files to rules and matrix."""
    gc.collect()
    clock = _Clock()
    sources = clock.timed(lambda: (read_yaml(folder / NETWORK_FILE), stack_source(folder / f"Pulumi.{STACK}.yaml")))
    intent = clock.timed(lambda: load(*sources, STACK))
    stack = intent.stack
    if not isinstance(stack, LibvirtStack):
        raise TypeError("the made-up stack is a libvirt stack")
    plan = clock.timed(lambda: libvirt_plan(stack, record(intent, Lock()).of(STACK)))
    policy = clock.timed(lambda: compile_policy(intent))
    target = nftables.Target(plan, stack)
    ruleset, rules = clock.timed(lambda: (nftables.render(policy, target), routing.rules(policy, plan)))
    clock.timed(lambda: matrix(intent))
    elements = sum(line.endswith(",") for line in ruleset.splitlines())
    return _Run(elements + len(rules), tuple(clock.laps))


class _Clock:
    """Processor seconds of one step after another: nothing here waits, and other work on the machine counts less."""

    def __init__(self) -> None:
        self.laps: list[float] = []

    def timed(self, step: Callable[[], T]) -> T:
        started = time.process_time()
        done = step()
        self.laps.append(time.process_time() - started)
        return done
