"""What stops a take-over or its undoing before anything is changed."""

from pathlib import Path
from typing import Any

import pytest

from operations.adopt import command, work
from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.survey import Backup, Survey
from operations.errors import OperationError
from operations.host import Remote
from operations.project import Project
from tests.operations.test_adopt_conflicts import survey, wish
from twinvpc.model.libvirt import Host

HOST = Host.model_validate({"address": "192.168.1.10", "port": 2200, "lan": "192.168.1.0/24"})


class Deployed(Project):
    """A stack whose state holds one machine."""

    def exported(self) -> dict[str, Any]:
        urn = "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Machines$libvirt:index/domain:Domain::web"
        return {"deployment": {"resources": [{"type": "libvirt:index/domain:Domain", "urn": urn}]}}


def here(found: Survey, *conflicts: Conflict, asked_for: Wish | None = None) -> work.TakeOver:
    return work.TakeOver(Deployed(Path(), "dell"), Remote(HOST), asked_for or wish(), found, conflicts)


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object, **__: object) -> object:
        raise AssertionError("the host was asked")

    monkeypatch.setattr(work, "ask", ask)


def test_undoing_is_refused_while_pulumi_keeps_machines_there() -> None:
    with pytest.raises(OperationError, match="the stack keeps web") as refused:
        work.undo(here(survey()), "/var/backups/twin-vpc/x", keep=False)
    assert "Pulumi.dell.yaml" in str(refused.value)


class Empty(Project):
    """A stack that keeps no machines."""

    def exported(self) -> dict[str, Any]:
        return {}


def test_a_file_that_both_have_changed_stops_an_undoing_before_anything_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, object]] = []

    def ask(_: Remote, verb: str, **words: object) -> object:
        asked.append((verb, words.get("begin")))
        return {"mixed": ["/etc/iptables/rules.v4"], "stays": ["machine web-vm"], "left": []}

    monkeypatch.setattr(work, "ask", ask)
    takeover = work.TakeOver(Empty(Path(), "dell"), Remote(HOST), wish(), survey(), ())
    with pytest.raises(OperationError, match=r"nothing was changed: /etc/iptables/rules\.v4: changed by") as refused:
        work.undo(takeover, "/var/backups/twin-vpc/x", keep=False)
    assert "--keep" in str(refused.value)
    assert asked == [("undoing", False)]

    def run(*_: object) -> None:
        asked.append(("run", None))

    for name in ("_require_free", "healed", "_pulumi"):
        monkeypatch.setattr(work, name, run)
    done = work.undo(takeover, "/var/backups/twin-vpc/x", keep=True)
    assert done.stays == ("machine web-vm",)
    assert [verb for verb, _ in asked[1:]] == ["undoing", "run", "undoing", "run", "run", "restore"]


def test_undoing_without_a_backup_is_refused() -> None:
    with pytest.raises(OperationError, match="holds no backup"):
        work.last_backup(here(survey()))


def test_a_host_that_was_taken_over_is_not_taken_over_again() -> None:
    done = survey(backup=Backup(folder="/var/backups/twin-vpc/x", status="adopted").model_dump())
    with pytest.raises(OperationError, match="was taken over already, its backup is /var/backups/twin-vpc/x"):
        work.take_over(here(done))


def test_every_refused_thing_is_named_at_once() -> None:
    two = (Conflict("machine", "a", Fate.REFUSED, "why"), Conflict("route", "b", Fate.REFUSED, "how"))
    with pytest.raises(OperationError, match="2 refused: machine a: why; route b: how"):
        work.take_over(here(survey(), *two))


@pytest.mark.parametrize("text", ["test-vm", "test-vm=", "=public"])
def test_a_move_that_is_no_move_is_refused(text: str) -> None:
    with pytest.raises(OperationError, match="--move test-vm=public"):
        command.adopt("dell", [text], yes=True, undo=False, keep=False, as_json=False)
