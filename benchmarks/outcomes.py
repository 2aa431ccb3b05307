"""A plugin of pytest's: what became of every test, a line of JSON each, for whoever started pytest.

`pytest -p benchmarks.outcomes`, with the file to write in `TWIN_VPC_OUTCOMES`.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

FILE = "TWIN_VPC_OUTCOMES"


@dataclass(frozen=True)
class Outcome:
    """What became of a test.

    Attributes:
        name: the test's, with its parameters.
        passed: whether it held.
        why: the last thing that was said, if it did not.
        properties: what it recorded of itself.
        seconds: how long it took, with its fixtures.
    """

    name: str
    passed: bool
    why: str = ""
    properties: dict[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.0


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a line when a test has run, or when it could not."""
    if report.when == "call" or not report.passed:
        said = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
        properties = {name: str(value) for name, value in report.user_properties}
        why = "" if report.passed else (said[0][1:].strip() if said else report.outcome)
        line = json.dumps(asdict(Outcome(report.nodeid, report.passed, why, properties, report.duration)))
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def read(lines: Iterable[str]) -> tuple[Outcome, ...]:
    """Every test once; one that ran and then could not be cleared away has not held."""
    found: dict[str, Outcome] = {}
    for line in lines:
        one = Outcome(**json.loads(line))
        if one.name not in found or found[one.name].passed:
            found[one.name] = one
    return tuple(found.values())
