"""Who we are to another run that changes the same host, and what a program there said when it failed."""

import getpass
import os
import socket
from datetime import UTC, datetime

from providers.host.errors import HostError
from providers.host.session import Outcome, Session

_LOCKED = "locked: "
"""How `shell/alone.sh` begins to say who has the host."""


def run_name() -> str:
    """Who we are to another run that finds the host locked."""
    when = datetime.now(tz=UTC)
    return f"{getpass.getuser()}@{socket.gethostname()}, pid {os.getpid()}, since {when:%Y-%m-%d %H:%M:%S.%f} UTC"


def locked(outcome: Outcome, session: Session) -> HostError | None:
    """The error if another run is changing the host: nothing was changed by this one."""
    who = next((line for line in outcome.stderr.splitlines() if line.startswith(_LOCKED)), None)
    if who is None:
        return None
    return HostError(
        f"{session.connection.label} is being changed by another run ({who.removeprefix(_LOCKED)}); this one has "
        "changed nothing there. Wait until that one has ended, then run it again"
    )


def last_words(outcome: Outcome) -> str:
    """The last line that a program said about its failure."""
    return next((line for line in reversed(outcome.stderr.splitlines()) if line.strip()), "it gave no reason")
