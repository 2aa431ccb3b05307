"""Reaching a machine as people do: with ssh, from a place of the sandbox."""

import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.command import CommandError
from sandbox.probe.namespaces import inside, run_inside

_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=30",
    "LogLevel=ERROR",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
)
"""A machine makes its host key at its first boot, and another one when it is replaced."""

_BOOTED = "cloud-init status --wait --long"
"""Ends once cloud-init has, with 0 if all of it went well."""
_NO_LOGIN = 255
"""How ssh ends where it got no connection, or lost it."""

OPEN, REFUSED, SILENT = "open", "refused", "silent"


@dataclass(frozen=True)
class Door:
    """Where an sshd answers.

    Attributes:
        address: of the machine, or of the host that leads there.
        port: its port.
        user: who logs in.
        key: the user's private key.
    """

    address: IPv4Address
    port: int
    user: str
    key: Path

    def run(self, netns: Path, command: str, *options: str, timeout: float = 120) -> str:
        """Run a command line on the machine, from a network namespace; return its standard output.

        Args:
            netns: file of the namespace that it is called from.
            command: for the user's shell.
            options: more of ssh's options, `Name=value`; the first of a name counts.
            timeout: seconds it may take.

        Raises:
            CommandError: ssh could not log in (255), or the command ended with a non-zero exit code.
        """
        said = [f"-o{option}" for option in (*options, *_OPTIONS)]
        words = ("ssh", "-F", "none", "-i", self.key, "-oIdentitiesOnly=yes", "-p", str(self.port), *said)
        return run_inside(netns, *words, f"{self.user}@{self.address}", command, timeout=timeout)

    def wait(self, netns: Path, patience: float = 420) -> float:
        """Wait until a machine has done all that it does at a boot, and return the seconds it took.

        An emulated machine boots for a minute. sshd answers before cloud-init is done, which starts it anew at the very
        end of a first boot: a login counts from then on only.

        Raises:
            CommandError: nobody can log in within `patience` seconds, or cloud-init has failed; it says how ssh ended.
        """
        started = time.monotonic()
        while True:
            try:
                self.run(netns, _BOOTED, timeout=patience)
            except CommandError as error:
                if error.code != _NO_LOGIN or time.monotonic() - started > patience:
                    raise
                time.sleep(1)
            else:
                return time.monotonic() - started


def knock(netns: Path, address: IPv4Address, port: int, patience: float = 5) -> str:
    """Open a TCP connection from a namespace: `OPEN`, `REFUSED` (an answer that says no), or `SILENT`."""

    def client() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    with inside(netns, client) as one:
        one.settimeout(patience)
        try:
            one.connect((str(address), port))
        except TimeoutError:
            return SILENT
        except OSError:
            return REFUSED
    return OPEN
