"""The gate: what was intended against what a graph lets through, cell by cell, by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from twinvpc.proof.aws.evaluate import Reach, Reached, Trial
from twinvpc.proof.aws.ports import cell, ports_of
from twinvpc.proof.cells import DENIED, Cell, Matrix


@dataclass(frozen=True, order=True)
class CellDifference:
    """One cell that is not what was intended.

    Attributes:
        source: node that opens.
        destination: node that is opened to.
        where: which matrix differs, e.g. `graph` or `account`.
        intended: what the cell should be.
        found: what it is; where subnets are not treated alike, which of them let through what.
    """

    source: str
    destination: str
    where: str
    intended: str
    found: str

    def __str__(self) -> str:
        """`public → database: intended –, graph tcp/5432`."""
        return f"{self.source} → {self.destination}: intended {self.intended}, {self.where} {self.found}"


def differences(intent: Matrix, found: Mapping[str, Reached]) -> tuple[CellDifference, ...]:
    """Compare every cell that is ours with the intent.

    A node that only one side has counts as closed on the other. A cell that is open from one subnet and closed from
    another differs whatever was intended, and so does one that depends on the address or the source port.

    Args:
        intent: what the owner means.
        found: matrices of graphs, by what they are called: `graph`, `account`.

    Returns:
        All differences, sorted; empty means that all say the same.
    """
    return tuple(sorted(one for where, reached in found.items() for one in _differences(intent, reached, where)))


def _differences(intent: Matrix, reached: Reached, where: str) -> Iterator[CellDifference]:
    nodes = tuple(dict.fromkeys((*intent.nodes, *reached.nodes)))
    for source in nodes:
        for destination in nodes:
            wanted = intent.cell(source, destination)
            if wanted.foreign:
                continue
            one = reached.of(source, destination)
            if not one.exact or one.cell != plain(wanted):
                yield CellDifference(source, destination, where, str(plain(wanted)), told(one))


def plain(one: Cell) -> Cell:
    """A cell in the form in which graphs tell theirs: TCP, UDP and ICMP in full are everything."""
    return one if one.foreign else cell(ports_of(one))


def told(one: Reach) -> str:
    """A cell of a graph in words: what is open, and what is open only here and there."""
    if one.exact:
        return str(one.cell)
    parts = (f"{trial.source} → {trial.destination} {_trial(trial)}" for trial in one.trials)
    return f"{_span(one.cell, one.partly)} ({'; '.join(parts)})"


def _trial(one: Trial) -> str:
    return _span(cell(one.passes.always), cell(one.passes.sometimes, some=True))


def _span(always: Cell, sometimes: Cell) -> str:
    if always == sometimes:
        return str(always)
    return f"partly {sometimes}" if always == DENIED else f"{always}, partly {sometimes}"
