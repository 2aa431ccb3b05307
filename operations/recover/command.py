"""The command: locks first, then the state."""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from operations.project import PROJECT_FILE, Project, find_project
from operations.recover import locks
from twinvpc.model.files import read_yaml
from twinvpc.model.source import as_mapping

HEALED, LEFT = 0, 1


@dataclass
class Report:
    """What was done and what was left.

    Attributes:
        stack: the stack.
        unlocked: holders whose locks were taken away.
        left: what was not touched, and what to do about it.
    """

    stack: str
    unlocked: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])


def recover(stack: str, *, as_json: bool) -> int:
    """Heal what a killed run has left.

    Args:
        stack: the stack's name.
        as_json: the report as JSON on standard output.

    Returns:
        0 if nothing is left to do, 1 if something was left alone; the report names it.

    Raises:
        OperationError: it could not be done.
    """
    project = find_project(stack)
    report = Report(stack)
    unlock(project, report)
    if as_json:
        print(json.dumps(asdict(report), indent=1))
    for line in report.left:
        print(line, file=sys.stderr)
    return LEFT if report.left else HEALED


def unlock(project: Project, report: Report) -> None:
    """Take away every lock whose holder is dead."""
    where = locks.folder(project.backend(), _name(project.folder), project.stack, project.folder)
    for lock in locks.read(where):
        if locks.is_dead(lock):
            locks.take_away(lock)
            report.unlocked.append(lock.holder)
            progress(f"took away the lock of {lock.holder}: that process is gone")
        else:
            report.left.append(f"stack {project.stack} is {locks.why_kept(lock)}")


def progress(text: str) -> None:
    """One line for the person who waits; standard output is the report's."""
    print(f"» {text}", file=sys.stderr, flush=True)


def _name(folder: Path) -> str:
    return str((as_mapping(read_yaml(folder / PROJECT_FILE).mapping) or {}).get("name"))
