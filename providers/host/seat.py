"""Whether whoever runs Pulumi on the host itself sits there, or came in by SSH and could be cut off."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

_TRACES = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
"""What sshd says to a session; `sudo` and `su -` forget it."""
_DAEMONS = frozenset({"sshd", "sshd-session"})


def came_by_ssh(environment: Mapping[str, str] = os.environ, proc: Path = Path("/proc")) -> bool:
    """Whether this process descends from a session of sshd, as far as its environment and its ancestors tell."""
    return any(environment.get(name) for name in _TRACES) or not _DAEMONS.isdisjoint(_ancestors(proc))


def _ancestors(proc: Path) -> Iterator[str]:
    process = "self"
    while process not in {"0", ""}:
        try:
            # `7 (name of any kind) S 1 …`: what comes after the last bracket is plain (proc(5)).
            name, _, rest = (proc / process / "stat").read_text(encoding="utf-8").rpartition(")")
        except OSError:
            return
        yield name.partition("(")[2]
        process = rest.split()[1]
