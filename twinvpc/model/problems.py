"""How bad input is told: where, what, the rule, and the way out."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

_LONGEST_SHOWN = 60


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in the owner's files.

    Attributes:
        file: name of the file as the owner knows it, e.g. `network.yaml`.
        path: where in it, e.g. `flows[2].to`; empty for the file as a whole.
        what: what stands there, with the offender's name.
        rule: the rule it breaks.
        way_out: what to do about it.
        line: line in the file counted from 1, or 0 where it is not known.
    """

    file: str
    path: str
    what: str
    rule: str
    way_out: str
    line: int = 0

    def __str__(self) -> str:
        """Four lines for a person."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        head = f"{place}  {self.path}" if self.path else place
        return f"{head}\n    {self.what}\n    rule: {self.rule}\n    do:   {self.way_out}"


def shown(value: object) -> str:
    """A value as errors quote it: escaped, so that look-alikes and control characters can be seen, and short."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)  # `null` and `true`, as the owner writes them
    if isinstance(value, date):
        return f"the date {value.isoformat()}"
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # Python does not print integers of more than 4300 digits
        return "a value too large to show"
    if "PRIVATE KEY" in text:
        return "a private key (not shown)"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


class InvalidInputError(ValueError):
    """The owner's files cannot be used; `problems` holds every reason, in the order of files, lines and paths."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p)))
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        super().__init__("\n".join([f"{count}, nothing was changed:", *(str(p) for p in self.problems)]))


class Rejected(ValueError):  # noqa: N818 - raised inside pydantic validators, where it reads as a verdict
    """A value is refused by a rule of ours; pydantic carries it to the list of problems."""

    def __init__(self, what: str, *, rule: str, way_out: str) -> None:
        super().__init__(what)
        self.what = what
        self.rule = rule
        self.way_out = way_out
