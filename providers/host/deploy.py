"""pyinfra's part: one fact about the host, and the operations that change it. Imported by the child process only."""

import base64
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyinfra.api
from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.facts import FactBase

from providers.host.files import GuardKind, remote, shell

_pyinfra: Any = pyinfra.api
"""Without its types: pyinfra annotates itself only in part."""

SECONDS = 120
"""Longest time a step on the host may take: a firewalld reload with many zones is the slow one."""

KNOCK_SECONDS = 30
"""How long the host may take to answer a knock."""

ROLLBACK_SECONDS = 30
"""How long the host may take to put back what was there before."""


def command(script: str, *arguments: str, stdin: str = "", seconds: int = SECONDS) -> StringCommand:
    """One of our shell programs with its arguments, each quoted; it travels on the command line, its data on stdin."""
    words = [QuoteString(word) for word in (shell(script), "twin-vpc", *arguments)]
    return StringCommand("sh", "-c", *words, _stdin=stdin, _timeout=seconds)


Depth = Literal["brief", "full", "expected"]
"""How much a survey asks."""


class Survey(FactBase[Mapping[str, str]]):
    """Answers by name, as one of our shell programs prints them."""

    def process(self, output: list[str]) -> Mapping[str, str]:
        """Answers by name from lines of `name base64`."""
        pairs = (line.partition(" ") for line in output)
        return {name: base64.b64decode(value).decode(errors="replace") for name, _, value in pairs}

    @staticmethod
    def default() -> Mapping[str, str]:
        """No answers: the survey did not run."""
        return {}


class HostSurvey(Survey):
    """What the host is like, as `shell/survey.sh` tells it."""

    def command(self, depth: Depth, settings: str, files: Sequence[str]) -> StringCommand:
        """The program to run: how much to ask, which sysctl settings and files to read."""
        return command("survey", shell("load"), depth, settings, *files)


class NetworkSurvey(Survey):
    """What libvirt's networks and pools are like, as `shell/watch.sh` tells it."""

    def command(self, networks: str, pools: str) -> StringCommand:
        """The program to run: names of our networks and pools, each separated by blanks."""
        return command("watch", networks, pools)


class SshdSurvey(Survey):
    """What the host's sshd is like, as `shell/sshd.sh` tells it."""

    def command(self) -> StringCommand:
        """The program to run."""
        return command("sshd", "look")


@_pyinfra.operation()
def knock() -> Generator[StringCommand]:
    """Have the host answer, and nothing else."""
    yield StringCommand("true", _timeout=KNOCK_SECONDS)


@_pyinfra.operation()
def stage(archive: str, who: str) -> Generator[StringCommand]:
    """Unpack new files aside and let the host judge them."""
    yield command("stage", remote("check_firewalld"), who, shell("alone"), stdin=archive)


@dataclass(frozen=True)
class Guard:
    """What takes a change back by itself.

    Attributes:
        kind: which change.
        seconds: how long it waits for the confirmation.
        token: by which the confirmation knows this very change.
        bridges: bridges that are ours once it is made.
    """

    kind: GuardKind
    seconds: int
    token: str
    bridges: tuple[str, ...] = ()


def guarded(guard: Guard, program: str, *arguments: str) -> StringCommand:
    """One of our shell programs, run once its rollback is armed."""
    how = (guard.kind, str(guard.seconds), guard.token, " ".join(guard.bridges))
    # Once the rollback is due there is nothing to wait for: an own session that stood still moves again by then.
    return command("guard", "run", *how, shell(program), *arguments, seconds=guard.seconds + ROLLBACK_SECONDS)


@_pyinfra.operation()
def install(guard: Guard, mark: str, who: str) -> Generator[StringCommand]:
    """Put the staged files in their places and in force; remove firewalld files that are no longer wanted."""
    yield guarded(guard, "install", mark, remote("reload_firewalld"), who, shell("alone"))


@_pyinfra.operation()
def settle(guard: Guard, what: Literal["look", "confirm", "keep", "undo"]) -> Generator[StringCommand]:
    """Say what becomes of a change that waits for its confirmation, or ask what became of it."""
    yield command("guard", "settle", guard.kind, guard.token, what)


@_pyinfra.operation()
def remove(ip_forward_before: str, bridges: Sequence[str], who: str) -> Generator[StringCommand]:
    """Take away what is ours, and what would put it back."""
    texts = (shell("load"), remote("reload_firewalld"))
    yield command("remove", ip_forward_before, " ".join(bridges), *texts, who, shell("alone"), shell("guard"))


@_pyinfra.operation()
def stage_sshd(archive: str, who: str) -> Generator[StringCommand]:
    """Unpack a drop-in of sshd's aside, or none, and let sshd judge it."""
    yield command("sshd", "stage", who, shell("alone"), stdin=archive)


@_pyinfra.operation()
def install_sshd(guard: Guard, who: str) -> Generator[StringCommand]:
    """Put the staged drop-in in its place and in force; take ours away if none was staged."""
    yield guarded(guard, "sshd", "install", who, shell("alone"))


@_pyinfra.operation()
def leave_sshd(who: str) -> Generator[StringCommand]:
    """Remove what was staged, without using it."""
    yield command("sshd", "forget", who)


@_pyinfra.operation()
def tidy_sshd() -> Generator[StringCommand]:
    """Take away the SELinux labels of ports that sshd no longer listens on."""
    yield command("sshd", "tidy")


@_pyinfra.operation()
def mend(steps: str, who: str) -> Generator[StringCommand]:
    """Take the steps of `watching.findings`, a line each."""
    yield command("mend", who, shell("alone"), stdin=steps)
