"""Whether the host runs, and where its PID 1 is."""

from pathlib import Path

from sandbox.dell import daemon
from sandbox.dell.site import Site


def init(site: Site) -> int | None:
    """Pid, on this machine, of the host's PID 1; none while it is off or between two boots."""
    supervisor = daemon.running(site, "supervisor")
    for container in _children(supervisor):
        for child in _children(container):
            if _name(child) == "systemd":
                return child
    return None


def _children(pid: int | None) -> list[int]:
    """A process that ends meanwhile has no children."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
