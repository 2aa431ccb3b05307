"""One measurement of the whole matrix, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from sandbox.probe.extras import Try
from twinvpc.cli.show import LEGEND, cells_table
from twinvpc.proof.cells import Matrix
from twinvpc.proof.compare import Difference
from twinvpc.proof.probes import Expectation, Observation
from twinvpc.proof.seen import seen_cells

_SHOWN = 40


@dataclass(frozen=True)
class Measured:
    """What was intended, what was measured, and where they differ.

    Attributes:
        matrix: the intent.
        expectations: what should have come of every probe.
        observations: what came of it.
        differences: cells that differ, by name.
        uncontrolled: denied probes without a positive control in this run.
        seconds: how long the tries took.
    """

    matrix: Matrix
    expectations: tuple[Expectation, ...]
    observations: tuple[Observation, ...]
    differences: tuple[Difference, ...]
    uncontrolled: tuple[str, ...]
    seconds: float

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that is not as it should be, one line each; empty means proven."""
        controls = (f"{name}: no positive control, so its silence proves nothing" for name in self.uncontrolled)
        return (*map(str, self.differences), *controls)

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "equal": not self.failures,
            "failures": list(self.failures),
            "seconds": round(self.seconds, 1),
            "probes": [_row(o) for o in self.observations],
        }

    def show(self, console: Console) -> None:
        """For people: the matrix as it was measured, and every difference by name."""
        wrong = {(d.probe.source, d.probe.destination) for d in self.differences}
        cells = seen_cells(self.matrix.nodes, self.observations)
        console.print()
        console.print(
            cells_table(self.matrix.nodes, cells, "measured with real packets (rows open, columns answer)", wrong)
        )
        console.print(LEGEND, style="dim")
        opened = sum(o.open for o in self.observations)
        tried = f"{len(self.observations)} probes ({opened} answered, {len(self.observations) - opened} not)"
        console.print(f"{tried} in {self.seconds:.1f} s")
        for line in self.failures[:_SHOWN]:
            console.print(f"✗ {line}", style="red", markup=False)
        if len(self.failures) > _SHOWN:
            console.print(f"… and {len(self.failures) - _SHOWN} more", style="red")
        if self.failures:
            console.print(f"✗ {len(self.failures)} differences", style="bold red")
        else:
            console.print("✓ every cell is as intended", style="green")


def show_tries(console: Console, tries: Sequence[Try]) -> None:
    """For people: how many of the tries beyond the matrix went as intended, and each that did not."""
    wrong = [one for one in tries if not one.right]
    console.print(
        f"{len(tries)} more: false sources, fragments, published ports, other addresses of the host, IPv6, DNS"
    )
    for one in wrong[:_SHOWN]:
        console.print(f"✗ {one}", style="red", markup=False)
    if wrong:
        console.print(f"✗ {len(wrong)} of them went otherwise than intended", style="bold red")
    else:
        console.print("✓ all of them as intended", style="green")


def _row(seen: Observation) -> dict[str, Any]:
    probe = seen.probe
    return {
        "source": probe.source,
        "destination": probe.destination,
        "service": probe.protocol if not probe.port else f"{probe.protocol}/{probe.port}",
        "open": seen.open,
        "seen_as": str(seen.seen_as) if seen.seen_as else None,
        "detail": seen.detail,
    }
