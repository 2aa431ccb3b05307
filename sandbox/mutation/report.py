"""What a campaign found, as text for docs/mutations.md, and the survivors that were expected, each with its reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.mutation.campaign import Result
from sandbox.mutation.layers import LAYERS

REASONS = Path(__file__).with_name("survivors.yaml")


@dataclass(frozen=True)
class Reason:
    """Why a kind of mutant is not noticed.

    Attributes:
        table: its table, or `*` for any.
        place: its set or chain.
        text: the line, or `*` for all of that place.
        change: `without`, `wider`, or `*`.
        why: one sentence.
    """

    table: str
    place: str
    text: str
    change: str
    why: str

    def fits(self, result: Result) -> bool:
        """Whether it speaks of this mutant."""
        line = result.mutant.line
        said = (self.table, self.place, self.text, self.change)
        found = (line.table, line.place, line.text, result.mutant.change)
        return all(want in ("*", have) for want, have in zip(said, found, strict=True))


def read_reasons(path: Path = REASONS) -> tuple[Reason, ...]:
    """The written reasons."""
    return tuple(Reason(**{key: str(value) for key, value in row.items()}) for row in yaml.safe_load(path.read_text()))


def unexplained(results: Iterable[Result], reasons: Sequence[Reason]) -> list[Result]:
    """Survivors that nobody has written a reason for."""
    return [one for one in results if not one.changed and not any(reason.fits(one) for reason in reasons)]


def alone(results: Iterable[Result]) -> list[Result]:
    """Lines on which a cell hangs alone: broken, they open something although every other layer stands.

    From outside, and from segments to docker0, there is one gate only, so such lines exist; whoever edits the chains
    should know which they are.
    """
    return [one for one in results if one.together]


def table(results: Sequence[Result]) -> Iterator[str]:
    """The score as lines of a Markdown table."""
    yield "| layer, the others opened | mutants | noticed | opened a cell | opened it with all layers in force |"
    yield "|---|--:|--:|--:|--:|"
    for layer in LAYERS:
        own = [one for one in results if one.layer == layer]
        yield _row(layer.name, own)
    yield _row("**all**", results)


def _row(name: str, own: Sequence[Result]) -> str:
    counts = Counter[str]()
    for one in own:
        counts["noticed"] += bool(one.changed)
        counts["opened"] += one.opened
        counts["together"] += bool(one.together)
    return f"| {name} | {len(own)} | {counts['noticed']} | {counts['opened']} | {counts['together']} |"
