"""Background processes of the sandbox, each known by a file with its pid and the time it started."""

import os
import subprocess
import sys
import time
from pathlib import Path

from sandbox.dell import cgroup
from sandbox.dell.site import SandboxError, Site
from sandbox.paths import ROOT

_PATIENCE = 15.0
"""Seconds a new process has until it is in its control group and has written its pid file, and a killed one to go."""


def start(site: Site, name: str, *before: str | Path, room: str = "sandbox.dell") -> None:
    """Start the module `<room>.<name>` in the background and wait until it has enrolled itself.

    Args:
        site: the sandbox it works for; its id is the only argument.
        name: last part of the module's name; also of its pid file and log.
        before: a program that runs it elsewhere, such as `nsenter --net=FILE`.
        room: the package that the module stands in.

    Raises:
        SandboxError: it ended at once; the message holds what it said.
    """
    log = site.state / f"{name}.out"
    words = [*map(str, before), sys.executable, "-m", f"{room}.{name}", site.id]
    with log.open("w") as output:
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + _PATIENCE
    while running(site, name) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SandboxError(f"{room}.{name} did not start; it said:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)


def enrol(site: Site, name: str) -> None:
    """Make this process findable: by the sandbox's control group first, then by its pid file."""
    cgroup.join(site.machine, name)
    pid = os.getpid()
    partial = _file(site, name).with_suffix(".new")
    partial.write_text(f"{pid} {_started(pid)}\n")
    partial.rename(_file(site, name))


def running(site: Site, name: str) -> int | None:
    """The pid of the daemon `name`, or none. A pid that another process took over since does not count."""
    known = mark(site, name)
    return int(known.split()[0]) if known else None


def mark(site: Site, name: str) -> str | None:
    """What tells the daemon `name` that runs now from every earlier and later one; none if it does not run."""
    try:
        pid, started = _file(site, name).read_text().split()
    except FileNotFoundError:
        return None
    return f"{pid} {started}" if _started(int(pid)) == started else None


def end(site: Site, name: str) -> None:
    """End the daemon `name` at once, if it runs.

    Raises:
        SandboxError: it does not end.
    """
    deadline = time.monotonic() + _PATIENCE
    while pid := running(site, name):
        cgroup.kill(pid)
        if time.monotonic() > deadline:
            raise SandboxError(f"process {pid} ({name}) does not end; look at it with `ps`, then try again")
        time.sleep(0.02)


def _file(site: Site, name: str) -> Path:
    return site.state / f"{name}.pid"


def _started(pid: int) -> str | None:
    """The process's start time in clock ticks since boot, as the kernel writes it; none when it has ended."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else rest[18]
