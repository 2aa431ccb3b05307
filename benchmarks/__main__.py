"""`python -m benchmarks [NAME …] [--campaign]`: measure, print tables, write docs/performance.md."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import aws, matrix, report, scale, stacks, traffic, up
from benchmarks.demands import Demand
from benchmarks.errors import BenchmarkError
from benchmarks.report import Table
from sandbox.command import CommandError, progress
from sandbox.dell import SandboxError, World
from sandbox.engine import Engine
from sandbox.engine.parts import EngineError
from sandbox.paths import ROOT
from sandbox.probe.attempts import MeasurementError
from sandbox.probe.guests import GuestError
from twinvpc.model.problems import InvalidInputError

REPORT = ROOT / "docs" / "performance.md"
ROUNDS = 5
CAMPAIGN_ROUNDS = 15
"""How often everything is measured when there is time."""

_ON_HOST: Mapping[str, Callable[[World, Engine, int], Iterator[Table]]] = {"up": up.tables, "matrix": matrix.tables}
_ALONE: Mapping[str, Callable[[int], Iterator[Table]]] = {
    "scale": scale.tables,
    "traffic": traffic.tables,
    "aws": aws.tables,
}
PARTS = (*_ALONE, *_ON_HOST)
_MISSED = 3
_INTERRUPTED = 130


def main(words: list[str]) -> int:
    """Run what was asked for; exit code 0 all demands met, 3 one missed, 1 could not be measured, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PARTS)}; all if none is given")
    parser.add_argument("--campaign", action="store_true", help=f"{CAMPAIGN_ROUNDS} rounds instead of {ROUNDS}")
    given = parser.parse_args(words)
    if unknown := sorted(set(given.names) - set(PARTS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}")
    try:
        missed = _run(given.names or PARTS, CAMPAIGN_ROUNDS if given.campaign else ROUNDS)
    except (
        BenchmarkError, CommandError, EngineError, GuestError, InvalidInputError, MeasurementError, SandboxError,
        subprocess.TimeoutExpired,
    ) as error:  # fmt: skip
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing of the benchmarks is left running", file=sys.stderr)
        return _INTERRUPTED
    for demand in missed:
        print(f"missed: {demand.name}: {demand.figure}, demanded {demand.bound}", file=sys.stderr)
    return _MISSED if missed else 0


def _run(names: list[str] | tuple[str, ...], rounds: int) -> list[Demand]:
    missed: list[Demand] = []
    with ExitStack() as at_end:
        host: tuple[World, Engine] | None = None
        for name in (part for part in PARTS if part in names):
            if name in _ON_HOST:
                host = host or at_end.enter_context(stacks.own_sandbox())
                tables = _published(name, _ON_HOST[name](*host, rounds), rounds)
            else:
                tables = _published(name, _ALONE[name](rounds), rounds)
            missed += [demand for table in tables for demand in table.demands if not demand.met]
    return missed


def _published(name: str, measured: Iterator[Table], rounds: int) -> list[Table]:
    console = Console()
    tables: list[Table] = []
    for table in measured:
        table.show(console)
        tables.append(table)
    report.write(REPORT, name, tables, _circumstances(rounds), order=PARTS)
    progress(f"{name}: written to {REPORT.relative_to(ROOT)}")
    return tables


def _circumstances(rounds: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = Path("/proc/loadavg").read_text(encoding="ascii").split()[1]
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB, load {load} over five minutes; "
        f"one run, {rounds} rounds at least, what is compared takes turns; median (least–most)."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
