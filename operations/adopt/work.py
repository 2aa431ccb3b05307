"""The steps of a take-over and of its undoing, in their order; each can be repeated after a kill."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, cast

from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.conflicts import conflicts
from operations.adopt.forward import closing_rules
from operations.adopt.halfway import stopped
from operations.adopt.host import ask
from operations.adopt.networks import OLD_DEFAULT, moves_of, to_replace
from operations.adopt.survey import Survey
from operations.adopt.zones import firewalld_entries
from operations.errors import OperationError
from operations.host import Remote
from operations.project import Project
from operations.recover.command import healed, unlock
from operations.recover.report import Report
from twinvpc.model.nodes import Node
from twinvpc.policy.terms import compile_policy

_BEGUN, _DONE = "backed-up", "adopted"
_TAILNET = IPv4Network("100.64.0.0/10")
"""Addresses of Tailscale's peers."""
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


@dataclass(frozen=True)
class Undone:
    """What an undoing comes to, in words.

    Attributes:
        left: what is not as before and should be; before it begins, files that stand in its way.
        stays: what the owner has changed since the take-over, and keeps.
    """

    left: tuple[str, ...]
    stays: tuple[str, ...]


def prepare(project: Project, moves: dict[str, str]) -> TakeOver:
    """Look at the host; nothing is changed.

    Args:
        project: the stack.
        moves: new segment of machines by name.

    Raises:
        InvalidInputError: with every problem in the files.
        OperationError: the host cannot be asked.
    """
    wish = _wish(project, moves)
    remote = Remote(project.libvirt()[0].host)
    found = Survey.model_validate(ask(remote, "look"))
    return TakeOver(project, remote, wish, found, conflicts(wish, found))


def _wish(project: Project, moves: dict[str, str]) -> Wish:
    stack, plan = project.libvirt()
    policy = compile_policy(project.intent())
    speaks = {node for term in policy.terms for node in (term.source, term.destination)}
    links, beyond = list[str](), [stack.host.lan]
    if Node.DOCKER0 in speaks:
        links.append(stack.docker.bridge)
        beyond.append(stack.docker.pool)
    if stack.tailnet and (Node.TAILNET in speaks or policy.forwarded_for(Node.TAILNET)):
        links.append(stack.tailnet.interface)
        beyond.append(_TAILNET)
    return Wish(plan, stack.host.uplinks, moves, tuple(links), tuple(beyond))


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
    try:
        _replaced(here, taken, folder, moves)
    except (OperationError, KeyboardInterrupt) as error:
        why = str(error) or "it was interrupted"
        raise stopped(here.remote, here.wish, moves, stack=here.project.stack, folder=folder, why=why) from None
    return folder


def _replaced(here: TakeOver, taken: dict[str, object], folder: str, moves: dict[str, str]) -> None:
    """Everything after the backup."""
    _say("taking away what is replaced; machines keep running, plugged into nothing")
    for line in cast("list[str]", ask(here.remote, "take", taken=taken, folder=folder)):
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
    ask(here.remote, "record", folder=folder)
    ask(here.remote, "mark", folder=folder, status=_DONE)


def plugged(remote: Remote, wish: Wish, moves: dict[str, str]) -> list[str]:
    """Plug running machines into their segments' bridges again; return what was done, in words."""
    _say("plugging the machines in")
    done = ask(remote, "reattach", bridges=dict(wish.bridges), moves=moves)
    return [
        f"{one['machine']}: {one['link'] or 'at its next start'} is on {one['bridge']}"
        for one in cast("list[dict[str, str]]", done)
    ]


def since(here: TakeOver, folder: str) -> Undone:
    """What the owner has changed since the take-over: what stands in the way of undoing it, and what stays."""
    found = cast("dict[str, list[str]]", ask(here.remote, "undoing", folder=folder, begin=False))
    return Undone(tuple(found["mixed"]), tuple(found["stays"]))


def undo(here: TakeOver, folder: str, *, keep: bool) -> Undone:
    """Take the stack away and put everything back, but for what the owner has changed since.

    Args:
        here: the host.
        folder: the backup.
        keep: files that both the take-over and, since then, the owner have changed stay as they are.

    Returns:
        What differs from the backup though it should not, and what stays.

    Raises:
        OperationError: the backup is not whole, such files stand in the way, Pulumi keeps machines on this host, or a
            step failed.
    """
    if found := _machines_of(here.project):
        raise OperationError(
            f"nothing was changed: the stack keeps {', '.join(found)}, and `pulumi destroy` would delete them. Take "
            f"them out of Pulumi.{here.project.stack}.yaml and run `pulumi up` first"
        )
    if (mixed := since(here, folder).left) and not keep:
        raise OperationError(
            f"nothing was changed: {', '.join(mixed)}: changed by the take-over, and by you since; to put back what "
            f"{folder}/files holds would lose your work. Take your change back; or leave the file as it is with --keep "
            "(rules that the take-over took out of a rule file are not put back into it then)"
        )
    _require_free(here.project)
    ask(here.remote, "undoing", folder=folder, begin=True)
    _say("taking the stack away; machines keep running, plugged into nothing")
    try:
        healed(here.project)  # what a killed run has made and not recorded would stay otherwise
        _pulumi(here.project, "destroy", "--yes", "--skip-preview")
        _say(f"putting back what {folder} holds")
        done = cast("dict[str, list[str]]", ask(here.remote, "restore", folder=folder, keep=keep))
    except OperationError as error:
        raise OperationError(
            f"{error}\nthe undoing has stopped half-way: machines may be plugged into nothing until it has ended. Put "
            "right what is said above, then run it again: it goes on"
        ) from None
    return Undone(tuple(done["left"]), tuple(done["stays"]))


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
        taken["rules"] = list(dict.fromkeys((*manifest["taken"]["rules"], *cast("list[str]", taken["rules"]))))
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
