"""`python -m sandbox.mutation`: break the walls line by line, and say what packets noticed."""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.command import CommandError, progress
from sandbox.mutation.campaign import campaign
from sandbox.mutation.judge import UnsoundError, Verdict
from sandbox.mutation.networks import SUBJECTS
from sandbox.mutation.reasons import Explanations, read_reasons
from sandbox.mutation.report import write
from sandbox.mutation.world import Network

_LABS = 4 * (os.cpu_count() or 1)
"""Labs at once: each waits for silence most of its time."""

_TELL = 25
"""Verdicts between two lines of progress."""


def main() -> int:
    """Exit codes: 0 every mutant was noticed or has a written reason, 1 one was not, or a reason is left over."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.mutation", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--labs", type=int, default=_LABS, metavar="N", help=f"labs at once; {_LABS} without it")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="only every Nth mutant; reasons may be left over"
    )
    given = parser.parse_args()
    began = time.monotonic()
    try:
        found = {key: _broken(key, given.labs, given.every) for key in SUBJECTS}
    except (UnsoundError, CommandError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    known = Explanations(found, read_reasons())
    walls = {key: Network.read(subject.folder).walls for key, subject in SUBJECTS.items()}
    text = write(found, walls, known, _circumstances(time.monotonic() - began, given.labs))
    print(text)
    if given.out is not None:
        given.out.write_text(text, encoding="utf-8")
    wrong = [f"noticed by nobody, and no reason is written: {one}" for one in known.unexplained]
    if given.every == 1:
        wrong += [f"a reason in survivors.yaml speaks of no survivor: {one}" for one in known.unused]
    for one in wrong:
        print(f"error: {one}", file=sys.stderr)
    return 1 if wrong else 0


def _broken(key: str, labs: int, every: int) -> list[Verdict]:
    """Verdicts of a network, in the order of its lines."""
    began = time.monotonic()
    progress(f"{SUBJECTS[key].title}: sound walls first, in {labs} labs")
    found: list[Verdict] = []
    for one in campaign(SUBJECTS[key].folder, labs, every):
        found.append(one)
        if not one.noticed or len(found) % _TELL == 0:
            said = "noticed" if one.noticed else "NOT NOTICED"
            progress(f"{len(found)}, {time.monotonic() - began:.0f} s: {one.mutant}: {said}")
    return sorted(found, key=lambda one: (one.mutant.line, one.mutant.change))


def _circumstances(seconds: float, labs: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB, {labs} labs at once; "
        f"{seconds / 60:.0f} minutes."
    )


if __name__ == "__main__":
    sys.exit(main())
