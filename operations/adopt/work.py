"""The steps of a take-over and of its undoing, in their order; each can be repeated after a kill."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from operations.adopt.conflicts import (
    OLD_DEFAULT,
    Conflict,
    Fate,
    Wish,
    closing_rules,
    conflicts,
    firewalld_entries,
    moves_of,
    to_replace,
)
from operations.adopt.host import ask
from operations.adopt.survey import Survey
from operations.errors import OperationError
from operations.host import Remote
from operations.project import Project
from operations.recover.command import healed, unlock
from operations.recover.report import Report

_BEGUN, _DONE = "backed-up", "adopted"
_KEPT_BY_PULUMI = ("libvirt:index/domain:Domain", "libvirt:index/volume:Volume")


@dataclass(frozen=True)
class TakeOver:
    """A host that may be taken over.

    Attributes:
        project: the stack.
        remote: its host.
        wish: what the owner asked for.
        found: what the host is like.
        conflicts: what stands in the way.
    """

    project: Project
    remote: Remote
    wish: Wish
    found: Survey
    conflicts: tuple[Conflict, ...]

    @property
    def refused(self) -> tuple[Conflict, ...]:
        """What has to be settled by the owner first."""
        return tuple(one for one in self.conflicts if one.fate is Fate.REFUSED)

    @property
    def begun(self) -> str:
        """Folder of a backup whose take-over was begun and not ended, or nothing."""
        last = self.found.backup
        return last.folder if last and last.status == _BEGUN else ""


def prepare(project: Project, moves: dict[str, str]) -> TakeOver:
    """Look at the host; nothing is changed.

    Args:
        project: the stack.
        moves: new segment of machines by name.

    Raises:
        InvalidInputError: with every problem in the files.
        OperationError: the host cannot be asked.
    """
    stack, plan = project.libvirt()
    remote, wish = Remote(stack.host), Wish(plan, stack.host.uplinks, moves)
    found = Survey.model_validate(ask(remote, "look"))
    return TakeOver(project, remote, wish, found, conflicts(wish, found))


def take_over(here: TakeOver) -> str:
    """Back up, take away, build, plug in, retire; return the backup's folder.

    Raises:
        OperationError: something is refused, or a step failed: run it again, it goes on.
    """
    if here.refused:
        names = "; ".join(f"{one.kind} {one.name}: {one.why}" for one in here.refused)
        raise OperationError(f"nothing was changed: {len(here.refused)} refused: {names}")
    if here.found.backup is not None and not here.begun:
        raise OperationError(
            f"nothing was changed: the host was taken over already, its backup is {here.found.backup.folder}. What "
            f"stands in the way now was made since: take it away by hand, or go back with --undo first"
        )
    _require_free(here.project)
    _say("pulumi preview: a mistake in the files shows before anything is taken away")
    _pulumi(here.project, "preview")
    taken = _taken(here)
    folder = _backed_up(here, taken)
    moves = cast("dict[str, str]", taken["moves"])
    _say("taking away what is replaced; machines keep running, plugged into nothing")
    for line in cast("list[str]", ask(here.remote, "take", taken=taken)):
        _say(f"  {line}")
    if here.begun:  # what its Pulumi made and did not record; the owner's own networks are gone by now
        healed(here.project)
    _say(f"pulumi up --stack {here.project.stack}")
    _pulumi(here.project, "up", "--yes", "--skip-preview")
    for line in plugged(here.remote, here.wish, moves):
        _say(f"  {line}")
    if taken["retired"]:
        for line in cast("list[str]", ask(here.remote, "retire", names=taken["retired"])):
            _say(f"  {line}")
    ask(here.remote, "mark", folder=folder, status=_DONE)
    return folder


def plugged(remote: Remote, wish: Wish, moves: dict[str, str]) -> list[str]:
    """Plug running machines into their segments' bridges again; return what was done, in words."""
    _say("plugging the machines in")
    done = ask(remote, "reattach", bridges=dict(wish.bridges), moves=moves)
    return [
        f"{one['machine']}: {one['link'] or 'at its next start'} is on {one['bridge']}"
        for one in cast("list[dict[str, str]]", done)
    ]


def undo(here: TakeOver, folder: str) -> list[str]:
    """Take the stack away and put everything back; return what differs from the backup, in words.

    Raises:
        OperationError: the backup is not whole, Pulumi keeps machines on this host, or a step failed.
    """
    if found := _machines_of(here.project):
        raise OperationError(
            f"nothing was changed: the stack keeps {', '.join(found)}, and `pulumi destroy` would delete them. Take "
            f"them out of Pulumi.{here.project.stack}.yaml and run `pulumi up` first"
        )
    _say("taking the stack away; machines keep running, plugged into nothing")
    _require_free(here.project)
    healed(here.project)  # what a killed run has made and not recorded would stay otherwise
    _pulumi(here.project, "destroy", "--yes", "--skip-preview")
    _say(f"putting back what {folder} holds")
    return cast("list[str]", ask(here.remote, "restore", folder=folder))


def last_backup(here: TakeOver) -> str:
    """Folder of the backup to go back to, found whole.

    Raises:
        OperationError: there is none, or a part of it is missing or changed.
    """
    if here.found.backup is None:
        raise OperationError(
            f"{here.remote.label} holds no backup in /var/backups/twin-vpc: nothing was taken over there"
        )
    ask(here.remote, "whole", folder=here.found.backup.folder)
    return here.found.backup.folder


def _require_free(project: Project) -> None:
    """Nobody else works on the stack; a dead run's lock is taken away.

    Raises:
        OperationError: somebody does.
    """
    report = Report(project.stack)
    unlock(project, report)
    if report.left:
        raise OperationError(f"nothing was changed: {'; '.join(report.left)}")


def _taken(here: TakeOver) -> dict[str, object]:
    retired = [one.name for one in here.conflicts if one.name == OLD_DEFAULT and one.fate is Fate.TAKEN]
    taken: dict[str, object] = {
        "networks": [network.name for network in to_replace(here.wish, here.found)],
        "rules": list(closing_rules(here.wish, here.found)),
        "firewalld": [entry.model_dump() for entry in firewalld_entries(here.wish, here.found)],
        "moves": dict(moves_of(here.wish, here.found)),
        "retired": retired,
    }
    if here.begun:  # networks that are gone by now do not say any more who belonged to them
        manifest = cast("dict[str, Any]", ask(here.remote, "whole", folder=here.begun))
        taken["moves"] = {**manifest["taken"]["moves"], **cast("dict[str, str]", taken["moves"])}
    return taken


def _backed_up(here: TakeOver, taken: dict[str, object]) -> str:
    if here.begun:
        _say(f"going on with the take-over that {here.begun} was made for")
        return here.begun
    folder = str(ask(here.remote, "back_up", taken=taken))
    _say(f"backed up to {folder}")
    return folder


def _machines_of(project: Project) -> Sequence[str]:
    resources = project.exported().get("deployment", {}).get("resources", [])
    return sorted(str(one["urn"]).rpartition("::")[2] for one in resources if one["type"] in _KEPT_BY_PULUMI)


def _pulumi(project: Project, *words: str) -> None:
    """Run Pulumi with its output on standard error, where progress goes."""
    argv = ["pulumi", *words, "--stack", project.stack, "--non-interactive"]
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        code = subprocess.call(
            argv, cwd=project.folder, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
        )
    except FileNotFoundError:
        raise OperationError("there is no `pulumi` on PATH; install Pulumi, or correct PATH") from None
    if code != 0:
        raise OperationError(
            f"`{' '.join(argv)}` ended with {code}; correct what it says, then run this again: it goes on"
        )


def _say(text: str) -> None:
    print(text if text.startswith(" ") else f"» {text}", file=sys.stderr, flush=True)
