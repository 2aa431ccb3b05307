"""Runs of the engine that are killed at a chosen moment, as by `kill -9` or by a laptop that lost its power."""

import os
import signal
import subprocess
from dataclasses import dataclass

from sandbox.project import STACK, Project

_PATIENCE = 30.0
"""Seconds until what was killed must be gone."""


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        verb: `up` or `destroy`.
        moment: seconds after the run's start.
        whole: with all that the run had started; otherwise the engine alone, and its plugins live on for a while.
    """

    verb: str
    moment: float
    whole: bool

    def __str__(self) -> str:
        with_whom = "with its plugins" if self.whole else "alone"
        return f"`{self.verb}` killed {with_whom} after {self.moment:.2f} s"


def kill(project: Project, how: Kill) -> str | None:
    """Start a run and kill it; return what it had said, or nothing if it ended by itself before.

    Raises:
        subprocess.TimeoutExpired: what was killed is still there.
    """
    process = project.start(how.verb, "--yes", "--skip-preview", "--stack", STACK)
    try:
        process.wait(how.moment)
    except subprocess.TimeoutExpired:
        if how.whole:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    said, _ = process.communicate(timeout=_PATIENCE)
    return said if process.returncode == -signal.SIGKILL else None
