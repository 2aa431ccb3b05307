"""`python -m benchmarks.campaign [NAME …]`: what is too long for `make test`, reported in docs/campaign.md."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import outcomes, report
from benchmarks.errors import BenchmarkError
from benchmarks.outcomes import Outcome
from benchmarks.report import Table
from sandbox.command import progress
from sandbox.paths import ROOT

REPORT = ROOT / "docs" / "campaign.md"
COMMAND = "benchmarks.campaign"
TIMES = 20
"""How many kills, and how many orders of events."""


@dataclass(frozen=True)
class Part:
    """Tests of `make test` that try more here.

    Attributes:
        words: which ones, for pytest.
        variables: what makes them try more.
        table: their outcomes, for people.
    """

    words: tuple[str, ...]
    variables: Mapping[str, str]
    table: Callable[[Sequence[Outcome]], Table]


def kills(tried: Sequence[Outcome]) -> Table:
    """Every kill: its moment, what the recovery found, and whether all was whole afterwards."""
    rows = tuple(
        (str(number), one.properties.get("kill", "–"), one.properties.get("healed", "–"), _verdict(one))
        for number, one in enumerate(tried, 1)
    )
    seeds = sorted({one.properties["seed"] for one in tried if "seed" in one.properties})
    return Table("Kills", ("no.", "the kill", "the recovery", "whole"), rows, f"TWIN_VPC_SEED={', '.join(seeds)}")


def events(tried: Sequence[Outcome]) -> Table:
    """Every order of events under flood."""
    rows = tuple(
        (str(number), one.properties.get("events", one.name), _verdict(one)) for number, one in enumerate(tried, 1)
    )
    return Table("Orders of events", ("no.", "in this order", "closed, and as intended"), rows)


PARTS: Mapping[str, Part] = {
    "kills": Part(
        ("tests/deployed/test_kills.py", "-k", "test_a_killed_run_is_healed"), {"TWIN_VPC_KILLS": str(TIMES)}, kills
    ),
    "events": Part(("tests/deployed/test_events.py", "-k", "random"), {"TWIN_VPC_ROUNDS": str(TIMES)}, events),
}


def main(words: list[str]) -> int:
    """Try what was asked for; exit code 0 all held, 1 something did not, or it could not be tried."""
    parser = argparse.ArgumentParser(prog=f"python -m {COMMAND}", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PARTS)}; all if none is given")
    given = parser.parse_args(words)
    if unknown := sorted(set(given.names) - set(PARTS)):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(PARTS)}")
    try:
        held = [_publish(name, part) for name, part in PARTS.items() if name in (given.names or PARTS)]
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if all(held) else 1


def _publish(name: str, part: Part) -> bool:
    progress(f"{name}: pytest {' '.join(part.words)}")
    began = time.monotonic()
    tried = _tried(part)
    held = sum(one.passed for one in tried)
    minutes = (time.monotonic() - began) / 60
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    how = (
        f"{datetime.now(tz=UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB; {minutes:.0f} minutes; "
        f"**{held} of {len(tried)} held**."
    )
    report.write(REPORT, name, [part.table(tried)], how, command=COMMAND)
    progress(f"{name}: {held} of {len(tried)} held; written to {REPORT.relative_to(ROOT)}")
    return held == len(tried)


def _tried(part: Part) -> tuple[Outcome, ...]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes"
        environment = {**part.variables, **os.environ, outcomes.FILE: str(file)}  # who names another number gets it
        words = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.outcomes", *part.words]
        code = subprocess.call(words, cwd=ROOT, env=environment)
        tried = outcomes.read(file.read_text(encoding="utf-8").splitlines()) if file.exists() else ()
    if not tried:
        raise BenchmarkError(f"pytest ended with {code} and had tried nothing; see what it said above")
    return tried


def _verdict(one: Outcome) -> str:
    return "✓" if one.passed else f"✗ {one.why.replace('|', '/')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
