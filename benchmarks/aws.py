"""How fast a VPC is judged: the default stack's matrix and mutants, and the matrix of networks of up to 300 subnets."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from benchmarks.aws_networks import Shape, owners, ring, size
from benchmarks.demands import at_most
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, exponent
from benchmarks.report import Table
from sandbox.command import progress
from sandbox.paths import ROOT
from twinvpc.model.files import load_stack
from twinvpc.proof.aws.campaign import campaign, scores
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.gate import differences
from twinvpc.proof.aws.wall_gate import wall_differences
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.intent import matrix

T = TypeVar("T")

STACK = "aws"
MOST_FOR_MATRIX, MOST_FOR_CAMPAIGN = 0.1, 120.0
"""Seconds that the default stack's matrix and the campaign of its mutants may take."""
STEEPEST = 1.10
"""Exponent over rules that still counts as near-linear."""
_ZONES = 3
_SIZES = (10, 25, 50, 100)
_SHAPES = (("3 flows a segment", 3), ("all to all", max(_SIZES)))


def tables(rounds: int) -> Iterator[Table]:
    """Measure the default stack, then both shapes of growing networks.

    Args:
        rounds: how often each is measured; the campaign is run once.
    """
    yield _default(rounds)
    for title, reach in _SHAPES:
        yield _growing(title, reach, rounds)


def _default(rounds: int) -> Table:
    intent = load_stack(ROOT, STACK)
    shape, meant = owners(intent), matrix(intent)
    graph, places = shape.graph, shape.places
    judged = [_timed(lambda: evaluate(Wiring(graph), places)) for _ in range(rounds)]
    walls = [_timed(lambda: wall_differences(meant, Wiring(graph), places)) for _ in range(rounds)]
    if found := (*differences(meant, {"graph": judged[0][1]}), *walls[0][1]):
        raise BenchmarkError(f"the made-up VPC is not as intended: {found[0]}")
    progress("aws: every mutant of the default stack")
    seconds, verdicts = _timed(lambda: tuple(campaign(graph, places, meant)))
    if holes := [one for one in verdicts if one.unexplained]:
        raise BenchmarkError(f"a mutant survives without a reason: {holes[0].mutant}")
    cells, lists = Figure(tuple(one for one, _ in judged)), Figure(tuple(one for one, _ in walls))
    demands = (
        at_most("matrix of a VPC like the default stack's", cells.median, MOST_FOR_MATRIX, "{:.3f} s"),
        at_most("every mutant of it judged", seconds, MOST_FOR_CAMPAIGN, "{:.1f} s"),
    )
    rows = (
        ("matrix", str(size(graph)), str(cells), demands[0].cell),
        ("each wall against the intent", str(size(graph)), str(lists), ""),
        (f"{len(verdicts)} mutants", str(size(graph)), f"{seconds:.1f} s", demands[1].cell),
    )
    note = "; ".join(str(one) for one in scores(verdicts))
    return Table("A VPC like the default stack's", ("what", "rules", "time", "demand"), rows, note, demands)


def _growing(title: str, reach: int, rounds: int) -> Table:
    times: dict[int, list[float]] = {count: [] for count in _SIZES}
    shapes = {count: ring(count, _ZONES, reach) for count in _SIZES}
    rules = {count: size(shape.graph) for count, shape in shapes.items()}
    for number in range(rounds):
        progress(f"aws, {title}: round {number + 1} of {rounds}")
        for count in _SIZES:
            times[count].append(_judge(shapes[count]))
    figures = {count: Figure(tuple(seconds)) for count, seconds in times.items()}
    rows = [
        (
            str(count * _ZONES), str(rules[count]), str(figures[count]),
            f"{1e6 * figures[count].median / rules[count]:.0f} µs",
        )
        for count in _SIZES
    ]  # fmt: skip
    power = exponent(list(rules.values()), [min(figures[count].seconds) for count in _SIZES])
    rows.append(("exponent", "", f"rules^{power:.2f}", ""))
    demand = at_most(f"matrix of 30 to 300 subnets, {title}", power, STEEPEST, "rules^{:.2f}")
    return Table(f"The evaluator alone, {title}", ("subnets", "rules", "time", "per rule"), tuple(rows), "", (demand,))


def _judge(shape: Shape) -> float:
    """Seconds for one matrix; made anew, so that nothing is known of it beforehand."""
    graph, places = shape.graph, shape.places
    return _timed(lambda: evaluate(Wiring(graph), places))[0]


def _timed(step: Callable[[], T]) -> tuple[float, T]:
    """Processor seconds of a step: nothing here waits, and other work on the machine counts less."""
    gc.collect()
    started = time.process_time()
    done = step()
    return time.process_time() - started, done
