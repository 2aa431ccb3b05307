"""The commands: adopt, its undoing, and plugging machines in again."""

import sys
from collections.abc import Sequence

from rich.console import Console

from operations.adopt import show, work
from operations.adopt.conflict import Conflict, Fate
from operations.errors import OperationError
from operations.project import find_project

FINE, LEFT = 0, 1


def adopt(stack: str, moves: Sequence[str], *, yes: bool, undo: bool, keep: bool, as_json: bool) -> int:
    """Show what stands in the way, and with `yes` take the host over; or undo that.

    Args:
        stack: the stack's name.
        moves: `machine=segment` each.
        yes: do it; without, nothing is changed.
        undo: go back to the last backup.
        keep: with `undo`, leave files that you have changed since as they are.
        as_json: the result as JSON on standard output.

    Returns:
        0 if nothing is left to do, 1 if something is: conflicts without `yes`, differences after `undo`.

    Raises:
        OperationError: it could not be done.
    """
    here = work.prepare(find_project(stack), _moves(moves))
    if undo:
        return _undo(here, yes=yes, keep=keep)
    folder = work.take_over(here) if yes else ""
    if as_json:
        print(show.as_text(stack, here.conflicts, folder))
    else:
        show.table(Console(), here.remote.label, here.conflicts)
    if folder:
        print(f"» taken over; everything of before is in {folder} on the host, and --undo goes back", file=sys.stderr)
        return FINE
    return LEFT if _pending(here.conflicts) else FINE


def reattach(stack: str) -> int:
    """Plug running machines into their segments' bridges again, after a network was made anew.

    Raises:
        OperationError: the host cannot be asked, or a machine cannot be plugged in.
    """
    here = work.prepare(find_project(stack), {})
    for line in work.plugged(here.remote, here.wish, {}):
        print(line)
    return FINE


def _undo(here: work.TakeOver, *, yes: bool, keep: bool) -> int:
    folder = work.last_backup(here)
    if not yes:
        found = work.since(here, folder)
        print(f"would take the stack away with `pulumi destroy` and put back what {folder} holds; do it with --yes")
        _tell_stays(found.stays)
        for path in found.left:
            print(
                f"✗ in the way: {path}: changed by the take-over, and by you since; --keep leaves it", file=sys.stderr
            )
        return LEFT
    done = work.undo(here, folder, keep=keep)
    _tell_stays(done.stays)
    for line in done.left:
        print(f"✗ not as before: {line}", file=sys.stderr)
    if not done.left:
        print(
            f"» everything else is as {folder} says" if done.stays else f"» everything is as {folder} says",
            file=sys.stderr,
        )
    return LEFT if done.left else FINE


def _tell_stays(names: Sequence[str]) -> None:
    for name in names:
        print(f"» stays as you have made it since the take-over: {name}", file=sys.stderr)


def _pending(found: Sequence[Conflict]) -> bool:
    return any(one.fate is not Fate.STAYS for one in found)


def _moves(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        machine, sign, segment = text.partition("=")
        if not (machine and sign and segment):
            raise OperationError(f"--move {text}: write it as --move test-vm=public")
        found[machine] = segment
    return found
