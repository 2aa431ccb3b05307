"""The demands that the issues make on figures, and the table of all of them that ends docs/performance.md."""

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = ("part", "demand", "bound", "figure", "met")
MET, MISSED = "✓", "✗"


@dataclass(frozen=True)
class Demand:
    """One demand, and what was measured.

    Attributes:
        name: what must keep a bound.
        bound: the bound, such as `≤ 2.0×`.
        figure: what was measured.
        met: whether it keeps the bound.
    """

    name: str
    bound: str
    figure: str
    met: bool

    @property
    def sign(self) -> str:
        """A tick, or a cross."""
        return MET if self.met else MISSED

    @property
    def cell(self) -> str:
        """Bound and sign, for the table that holds the figure."""
        return f"{self.bound} {self.sign}"


def at_most(name: str, value: float, bound: float, text: str = "{:.2f}×") -> Demand:
    """A figure that may not be larger; `text` is how both are written."""
    return Demand(name, f"≤ {text.format(bound)}", text.format(value), value <= bound)


def at_least(name: str, value: float, bound: float, text: str = "{:.2f}×") -> Demand:
    """A figure that may not be smaller; `text` is how both are written."""
    return Demand(name, f"≥ {text.format(bound)}", text.format(value), value >= bound)


def within(name: str, value: float, base: float, percent: float) -> Demand:
    """A figure that may differ from another by so many hundredths of it."""
    off = 100 * (value / base - 1)
    return Demand(name, f"± {percent:g} %", f"{off:+.1f} %", abs(value - base) * 100 <= percent * base)


def renewed(body: str, part: str, order: Sequence[str], demands: Sequence[Demand]) -> str:
    """The table with the lines of one part written anew; all others stay, those written by hand too.

    Args:
        body: the table as it was, or nothing.
        part: whose lines are new.
        order: every part that measures, in the order of the report; others follow.
        demands: what was measured.
    """
    lines = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in body.splitlines() if line[:1] == "|"
    ]
    kept = [line for line in lines if line != HEAD and not line[0].startswith("---") and line[0] != part]
    rows = [*kept, *((part, one.name, one.bound, one.figure, one.sign) for one in demands)]
    places = {name: place for place, name in enumerate(order)}
    rows.sort(key=lambda row: places.get(row[0], len(places)))  # a stable sort: within a part nothing moves
    return "\n".join(f"| {' | '.join(line)} |" for line in (HEAD, ("---",) * len(HEAD), *rows))
