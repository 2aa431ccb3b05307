"""The stack's host: programs run there over SSH with the key and known hosts that Pulumi uses, or here."""

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from operations.errors import OperationError
from twinvpc.model.libvirt import Host

LOCAL = "local"
"""The address that means: Pulumi runs on the host itself."""
CONNECT_SECONDS = 10
_SSH_FAILED = 255
"""Exit code of ssh(1) when the connection failed, and not the program."""
_REASONS: Mapping[str, str] = {
    "Permission denied": "it refuses the key; see twin-vpc:host.key_file and twin-vpc:host.user",
    "verification failed": "its host key is not the one in twin-vpc:host.known_hosts",
}


@dataclass(frozen=True)
class Outcome:
    """What a program on the host said, and its exit code."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Remote:
    """The host of a stack.

    Attributes:
        settings: where it is, from the stack's file.
    """

    settings: Host

    @property
    def label(self) -> str:
        """What messages call it."""
        here = self.settings
        return "this machine" if here.address == LOCAL else f"{here.user}@{here.address}:{here.port}"

    def run(self, *argv: str, stdin: str = "", timeout: float = 120) -> Outcome:
        """Run a program there, whatever its exit code.

        Args:
            argv: the program and its arguments; each is quoted.
            stdin: text for its standard input.
            timeout: seconds until it is given up.

        Raises:
            OperationError: the host cannot be reached, or did not answer in time.
        """
        words = list(argv) if self.settings.address == LOCAL else [*self._ssh(), shlex.join(argv)]
        try:
            done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        except FileNotFoundError:
            raise OperationError(f"there is no `{words[0]}` on this machine; install it") from None
        except subprocess.TimeoutExpired:
            raise OperationError(f"{self.label} did not answer `{argv[0]}` within {timeout:.0f} s") from None
        if done.returncode == _SSH_FAILED and words[0] == "ssh":
            raise OperationError(f"{self.label} cannot be reached: {_reason(done.stderr)}")
        return Outcome(done.returncode, done.stdout, done.stderr)

    def ask(self, *argv: str) -> str:
        """Run a program there that has to end well, and return what it wrote.

        Raises:
            OperationError: it did not, or the host cannot be reached.
        """
        done = self.run(*argv)
        if done.code != 0:
            said = " ".join(done.stderr.split()) or f"exit code {done.code}"
            raise OperationError(f"{self.label}: `{' '.join(argv)}`: {said}")
        return done.stdout

    def _ssh(self) -> list[str]:
        here = self.settings
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ServerAliveInterval": str(CONNECT_SECONDS),
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(Path(here.known_hosts).expanduser()),
            "IdentitiesOnly": "yes",
        }
        words = ["ssh", "-F", "none", "-i", str(Path(here.key_file).expanduser()), "-p", str(here.port)]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return [*words, f"{here.user}@{here.address}"]


def _reason(said: str) -> str:
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it gave no reason")
    return next((why for sign, why in _REASONS.items() if sign in said), f"{last}; is it up?")
