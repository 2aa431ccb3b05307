"""Locks of Pulumi's local file backend, and whether who holds one still lives.

The backend writes `.pulumi/locks/organization/<project>/<stack>/<id>.json` with pid, user, host and time before a run,
and deletes it after (pulumi v3.259, pkg/backend/diy/lock.go). It never judges one: a killed run's lock stays for ever,
and `pulumi cancel`, which the engine's message names, takes away a living run's lock just the same.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from operations.errors import OperationError

ORGANIZATION = "organization"
"""The one organization of a local backend."""
_SCHEME = "file://"
_BROKEN_OFF = 60.0
"""Seconds after which a lock file that has no end is one whose writing broke off: it takes milliseconds."""
_SLACK = timedelta(seconds=5)
"""How much later than its lock a process may seem to have started: `ps` counts whole seconds."""


@dataclass(frozen=True)
class Lock:
    """One lock file.

    Attributes:
        path: the file.
        pid: process that wrote it, 0 if the file does not say.
        user: whose process that is.
        host: name of the machine that it runs on.
        since: when it was written.
        torn: whether the file ends before it says anything.
    """

    path: Path
    pid: int
    user: str
    host: str
    since: datetime
    torn: bool = False

    @property
    def holder(self) -> str:
        """Who holds it, for messages."""
        return f"{self.user}@{self.host}, pid {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S %Z}".rstrip()


@dataclass(frozen=True)
class Process:
    """A process of this machine.

    Attributes:
        name: its program.
        started: when it started.
    """

    name: str
    started: datetime


def folder(backend: str, project: str, stack: str, start: Path) -> Path:
    """Where the locks of a stack lie.

    Args:
        backend: the backend's URL.
        project: the project's name.
        stack: the stack's name.
        start: folder that a relative URL starts from.

    Raises:
        OperationError: the state is not in files of this machine.
    """
    if not backend.startswith(_SCHEME):
        raise OperationError(
            f"the state of {stack} lies in {backend}; only locks of the local file backend (file://…) can be "
            f"judged from here. Make sure that no run is under way (the lock's message names user, host and pid), then "
            f"run `pulumi cancel --stack {stack}` and `pulumi refresh --clear-pending-creates --stack {stack}`"
        )
    path = Path(backend.removeprefix(_SCHEME).partition("?")[0] or "/").expanduser()
    return start / path / ".pulumi" / "locks" / ORGANIZATION / project / stack


def read(where: Path) -> tuple[Lock, ...]:
    """Every lock in a folder; what ends between listing and reading is none."""
    found = (_lock(path) for path in sorted(where.glob("*")) if path.is_file() and path.suffix != ".attrs")
    return tuple(lock for lock in found if lock is not None)


def is_dead(lock: Lock, look: "Callable[[int], Process | None] | None" = None) -> bool:
    """Whether who wrote a lock is known to be gone: the host is this one, and the process is not there any more.

    A pid is given again some day: a process that started after the lock was written and is no `pulumi` is not it.

    Args:
        lock: the lock.
        look: finds a process of this machine; `ps` if none is given.
    """
    if lock.torn:
        return time.time() - lock.since.timestamp() > _BROKEN_OFF
    if lock.pid == 0:  # of a form that we do not know: whoever wrote it may live
        return False
    if lock.host != socket.gethostname():
        return False
    process = (look or running)(lock.pid)
    if process is None:
        return True
    return not Path(process.name).name.startswith("pulumi") and process.started > lock.since + _SLACK


def why_kept(lock: Lock) -> str:
    """Why a lock is left alone, and what to do."""
    if lock.torn:
        return f"locked by {lock.path}, which is being written just now; wait a minute and try again"
    if lock.pid == 0:
        return (
            f"locked by {lock.path}, which is in a form that this command does not know: look into it, and whether a "
            "run is under way (`ps -e | grep pulumi`). If none is, delete that file and run this again"
        )
    if lock.host != socket.gethostname():
        return (
            f"locked by {lock.holder}: whether that run still lives can only be told on {lock.host}. Look there; "
            f"if it is dead, run this there, or delete {lock.path}"
        )
    return f"locked by {lock.holder}, which is still running: wait for it, or end it with Ctrl-C on its terminal"


def take_away(lock: Lock) -> None:
    """Delete a lock file with the note that the backend keeps beside it."""
    for path in (lock.path, lock.path.with_name(f"{lock.path.name}.attrs")):
        path.unlink(missing_ok=True)


def running(pid: int) -> Process | None:
    """The process of that number as `ps` knows it, on Linux as on macOS; none if there is none, or only its remains."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-o", "etime=", "-o", "comm=", "-p", str(pid)],
        env=os.environ | {"LC_ALL": "C"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0 or not done.stdout.strip():
        return None
    state, elapsed, name = done.stdout.split(maxsplit=2)
    if state.startswith("Z"):  # ended; only its parent has not asked yet how
        return None
    return Process(name.strip(), datetime.now(tz=UTC) - _elapsed(elapsed))


def _elapsed(text: str) -> timedelta:
    """`[[days-]hours:]minutes:seconds`, as POSIX has it."""
    days, _, clock = text.rpartition("-")
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return timedelta(days=int(days or 0), seconds=seconds)


def _lock(path: Path) -> Lock | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    except FileNotFoundError:
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return Lock(path, 0, "", "", written, torn=not text.strip() or text.lstrip().startswith("{"))
    try:
        since = datetime.fromisoformat(said["timestamp"])
        return Lock(path, int(said["pid"]), str(said["username"]), str(said["hostname"]), since)
    except (ValueError, KeyError, TypeError):
        return Lock(path, 0, "", "", written)
