"""Mistakes an owner can make, each with what must be said about it; the table itself is mistakes.yaml."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.model.owner import AWS


@dataclass(frozen=True)
class Mistake:
    """One passage of one file replaced by a wrong one.

    Attributes:
        name: what is wrong.
        file: the file it stands in.
        old: the passage that is right.
        new: the passage that is wrong.
        told: what must be told: path, offender, and words of the rule. Nothing else may be.
    """

    name: str
    file: str
    old: str
    new: str
    told: tuple[tuple[str, str, str], ...]

    @property
    def stack(self) -> str:
        return "aws" if self.file == AWS else "dell"


def _read() -> tuple[Mistake, ...]:
    table = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))
    return tuple(
        Mistake(name, file, row["replace"], row["by"], tuple((path, what, rule) for path, what, rule in row["told"]))
        for file, rows in table.items()
        for name, row in rows.items()
    )


MISTAKES = _read()
