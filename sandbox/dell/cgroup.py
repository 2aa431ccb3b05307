"""A control group of the sandbox's own: all its processes are in there, so they can be found and ended.

systemd and Docker inside the host make their own groups below it, and see it as the root (cgroup namespace).
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.dell.site import SandboxError

_PATIENCE = 20.0
"""Seconds until processes that were sent SIGKILL must be gone."""


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup hierarchy: where it is, and the group this process is in."""

    mount: Path
    own: Path
    unified: bool


def hierarchies() -> list[Hierarchy]:
    """All cgroup hierarchies mounted on this machine, version 1 and 2."""
    own: dict[frozenset[str], str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own[frozenset(controllers.split(",")) - {""}] = path
    found: list[Hierarchy] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        kind, _, options = after.split(" ", 2)
        if kind not in ("cgroup", "cgroup2"):
            continue
        mount = Path(before.split()[4])
        for controllers, path in own.items():
            if (kind == "cgroup2" and not controllers) or (controllers and controllers <= set(options.split(","))):
                found.append(Hierarchy(mount, mount / path.lstrip("/"), kind == "cgroup2"))
    return found


def version_two() -> bool:
    """Whether this machine has the unified hierarchy only, as a stock Debian 12 does."""
    return all(each.unified for each in hierarchies())


def join(name: str, part: str) -> None:
    """Move this process, and so all that it starts later, into the group `name` of every hierarchy.

    In version 1 the group is made below this process's own one, so a limit on the caller holds for the sandbox
    too. In version 2 it is made at the top, because a group with processes in it cannot hand controllers down; for
    the same reason the process goes into a group `part` below it. (systemd-nspawn that starts in a group called
    `supervisor` puts its container beside it.)
    """
    for each in hierarchies():
        group = each.mount / name / part if each.unified else each.own / name
        group.mkdir(parents=True, exist_ok=True)
        for knob in ("cpuset.cpus", "cpuset.mems"):  # version 1 starts them empty, and then takes no process
            if not each.unified and (group / knob).exists() and not (group / knob).read_text().strip():
                (group / knob).write_text((group.parent / knob).read_text())
        (group / "cgroup.procs").write_text(str(os.getpid()))


def groups(name: str) -> list[Path]:
    """All groups called `name`, wherever they are."""
    found: list[Path] = []
    for each in hierarchies():
        for folder, children, _ in os.walk(each.mount):
            if name in children:
                found.append(Path(folder) / name)
                children.remove(name)
    return found


def pids(name: str) -> set[int]:
    """The processes in the groups called `name` and below."""
    return {pid for group in groups(name) for pid in _pids_below(group)}


def clear(name: str) -> None:
    """End every process in the groups called `name`, at once, and remove the groups.

    Raises:
        SandboxError: a process did not end.
    """
    deadline = time.monotonic() + _PATIENCE
    while left := pids(name):
        for pid in left:
            kill(pid)
        if time.monotonic() > deadline:
            raise SandboxError(f"processes {sorted(left)} of {name} do not end; look at them with `ps`, then try again")
        time.sleep(0.05)
    for group in groups(name):
        for folder, _, _ in os.walk(group, topdown=False):
            _remove(Path(folder), deadline)


def kill(pid: int) -> None:
    """End a process at once, unless it has ended by itself meanwhile."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _remove(folder: Path, deadline: float) -> None:
    """A group stays busy for a moment after its last process has gone."""
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"control group {folder} cannot be removed: {error.strerror}; try `down` again"
                ) from error
            time.sleep(0.05)
        else:
            return


def _pids_below(group: Path) -> Iterator[int]:
    for folder, _, files in os.walk(group):
        if "cgroup.procs" not in files:
            continue
        try:
            words = (Path(folder) / "cgroup.procs").read_text().split()
        except (
            OSError
        ):  # removed while we looked (ENODEV, ENOENT), or a threaded group (EOPNOTSUPP): its root lists them
            continue
        yield from (int(word) for word in words if word != "0")
