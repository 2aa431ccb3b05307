"""`python -m sandbox.mutation`: break the owner's rules line by line, and say what packets noticed."""

import argparse
import sys
import time
from pathlib import Path

from sandbox.command import progress
from sandbox.mutation.campaign import Result, bench, run
from sandbox.mutation.mutants import mutants
from sandbox.mutation.report import alone, read_reasons, table, unexplained
from sandbox.paths import ROOT
from sandbox.probe.lab import Lab
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack

FOLDERS = (ROOT, ROOT / "tests" / "fixtures" / "ports")
"""The owner's network, and one whose flows name ports."""


def main() -> int:
    """Exit codes: 0 every mutant was noticed or has a written reason, 1 one was not."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.mutation", description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth mutant")
    parser.add_argument("--out", type=Path, help="write the report here as well")
    given = parser.parse_args()
    report: list[str] = []
    wrong = 0
    for folder in FOLDERS:
        results = _campaign(folder, given.every)
        lost = unexplained(results, read_reasons())
        wrong += len(lost)
        report += [f"## {_title(folder)}", "", *table(results), "", *_listed("Not noticed, and no reason", lost)]
        report += _listed(
            "A cell hangs on this line alone: broken, it opens with every other layer in force", alone(results)
        )
        report += _listed("Not noticed, for a written reason", [r for r in results if not r.changed and r not in lost])
    text = "\n".join(report)
    print(text)
    if given.out is not None:
        given.out.write_text(f"{text}\n", encoding="utf-8")
    return 1 if wrong else 0


def _campaign(folder: Path, every: int) -> list[Result]:
    intent = load_stack(folder, "dell")
    if not isinstance(intent.stack, LibvirtStack):
        raise TypeError(f"{folder} is no libvirt stack")
    started, done = time.monotonic(), 0
    with Lab.create(libvirt_plan(intent.stack, record(intent, Lock()).of("dell")).segments) as lab:
        ready = bench(folder, lab)
        chosen = list(mutants(ready.ruleset))[::every]

        def tell(result: Result) -> None:
            nonlocal done
            done += 1
            if not result.changed or done % 20 == 0:
                said = "noticed" if result.changed else "NOT NOTICED"
                progress(f"{done} of {len(chosen)}, {time.monotonic() - started:.0f} s: {result.mutant}: {said}")

        return run(ready, chosen, tell)


def _title(folder: Path) -> str:
    return "The owner's network" if folder == ROOT else "A network whose flows name ports"


def _listed(title: str, results: list[Result]) -> list[str]:
    if not results:
        return []
    return [f"{title}:", "", *(f"- `{one.mutant}` ({one.layer.name}){_more(one)}" for one in results), ""]


def _more(one: Result) -> str:
    return f": {one.together}" if one.together else ""


if __name__ == "__main__":
    sys.exit(main())
