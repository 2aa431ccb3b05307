"""`pulumi up` and `pulumi destroy` for whoever may meet a killed run: its traces are told with the way out.

What the engine itself says about a dead run's lock names `pulumi cancel`, which takes a living run's lock just the same
(ADR 34). No program of ours runs before that lock, so this one stands around the engine.
"""

import subprocess
import sys
from collections.abc import Sequence
from typing import Literal

from operations.errors import OperationError
from operations.project import Project, find_project
from operations.recover import locks, state
from operations.recover.command import held

BROKEN_OFF = 1
"""Exit code when a run is under way, or was killed: nothing was done."""


def apply(stack: str, verb: Literal["up", "destroy"], words: Sequence[str]) -> int:
    """Run `pulumi up` or `pulumi destroy` on this terminal, unless a killed run has to be healed before.

    Args:
        stack: the stack's name.
        verb: which of the two.
        words: more options for it.

    Returns:
        Pulumi's exit code, or 1 if nothing was done.

    Raises:
        OperationError: it could not be done.
    """
    project = find_project(stack)
    if said := traces(project):
        print(said, file=sys.stderr)
        return BROKEN_OFF
    try:
        code = subprocess.call(["pulumi", verb, "--stack", stack, *words], cwd=project.folder)
    except FileNotFoundError:
        raise OperationError("there is no `pulumi` on PATH; install Pulumi, or correct PATH") from None
    if code != 0 and (said := traces(project)):
        print(said, file=sys.stderr)
    return code


def traces(project: Project) -> str:
    """What a killed run, or one that is under way, has left in the state, and what to do; nothing if there is none."""
    there = held(project)
    if living := [lock for lock in there if not locks.is_dead(lock)]:
        return f"stack {project.stack} is {locks.why_kept(living[0])}"
    # With a dead run's lock the state is not asked: it may be unreadable until it is healed.
    what = [f"the lock of {lock.holder}, which is dead" for lock in there] or [
        f"{one.verb} {one.resource.label}" for one in state.pending(project.exported())
    ]
    if not what:
        return ""
    return (
        f"a run on stack {project.stack} was killed and has left: {'; '.join(what)}.\n"
        f"`make recover STACK={project.stack}` heals it; then run this again. Not `pulumi cancel`: it takes a living "
        "run's lock just the same"
    )
