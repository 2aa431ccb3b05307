"""The command: locks first, then the state."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from operations.host import Remote
from operations.project import Project, find_project
from operations.recover import heal, locks, notes, state
from operations.recover.report import Report, progress

HEALED, LEFT = 0, 1


def recover(stack: str, *, as_json: bool, if_killed: bool = False) -> int:
    """Heal what a killed run has left, and say what was done.

    Args:
        stack: the stack's name.
        as_json: the report as JSON on standard output.
        if_killed: do nothing when the state shows no trace of a killed run.

    Returns:
        0 if nothing is left to do, 1 if something was left alone; the report names it.

    Raises:
        OperationError: it could not be done.
    """
    project = find_project(stack)
    if if_killed and not is_broken_off(project):
        return HEALED
    report = healed(project)
    if as_json:
        print(json.dumps(asdict(report), indent=1))
    for line in report.left:
        print(line, file=sys.stderr)
    if not report.left:
        progress(f"stack {stack} is whole: run `pulumi up` (or `pulumi destroy`) as you meant to")
    return LEFT if report.left else HEALED


def healed(project: Project) -> Report:
    """Heal a stack; one whose lock somebody living holds is left as it is.

    Raises:
        OperationError: it could not be done.
    """
    report = Report(project.stack)
    unlock(project, report)
    if report.left:
        return report
    clear_notes(project, report)
    host = Remote(project.libvirt()[0].host)
    heal.clear_pending(project, host, report)
    heal.refresh(project)
    heal.adopt(project, host, report)
    return report


def is_broken_off(project: Project) -> bool:
    """Whether there is a lock, or an operation that the state holds for begun and not ended."""
    return bool(held(project) or state.pending(project.exported()))


def unlock(project: Project, report: Report) -> None:
    """Take away every lock whose holder is dead."""
    for lock in held(project):
        if locks.is_dead(lock):
            locks.take_away(lock)
            report.unlocked.append(lock.holder)
            progress(f"took away the lock of {lock.holder}: that process is gone")
        else:
            report.left.append(f"stack {project.stack} is {locks.why_kept(lock)}")


def clear_notes(project: Project, report: Report) -> None:
    """Take away what a kill has left half written beside the state, which cannot be read with it."""
    for name in notes.without_torn(notes.folder(_folder(project)), project.stack):
        report.mended.append(f"{name}: it was half written, and the state could not be read with it; it is gone")
        progress(f"took away {name}, which was half written: the state beside it can be read again")


def held(project: Project) -> tuple[locks.Lock, ...]:
    """Every lock on the stack, of the living and of the dead.

    Raises:
        OperationError: the state is not in files of this machine.
    """
    return locks.read(_folder(project))


def _folder(project: Project) -> Path:
    return locks.folder(project.backend(), project.name(), project.stack, project.folder)
