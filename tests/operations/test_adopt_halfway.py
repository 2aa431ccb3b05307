"""A take-over that breaks off says how things stand, how to go on and how to go back."""

from pathlib import Path
from typing import Any

import pytest

from operations.adopt import halfway, work
from operations.adopt.survey import Survey
from operations.errors import OperationError
from operations.host import Remote
from operations.project import Project
from tests.operations.test_adopt_conflicts import machine, network, survey, wish
from tests.operations.test_adopt_work import HOST

FOLDER = "/var/backups/twin-vpc/x"


def loose(name: str, source: str, port_of: str = "") -> dict[str, Any]:
    one = machine(name, source)
    return one | {"now": [one["now"][0] | {"port_of": port_of}]}


class Asked:
    """A host that answers from a script and notes what it was asked to do."""

    def __init__(self, *looks: Survey) -> None:
        self.looks = list(looks)
        self.done: list[tuple[str, dict[str, object]]] = []

    def __call__(self, _: Remote, verb: str, **words: object) -> object:
        if verb == "look":
            return self.looks.pop(0).model_dump()
        self.done.append((verb, words))
        return {"back_up": FOLDER, "take": [], "reattach": []}.get(verb)


def nothing(*_: object) -> None:
    """Nobody else is at work."""


def broken(monkeypatch: pytest.MonkeyPatch, asked: Asked, error: BaseException) -> str:
    """What is told when `pulumi up` ends with an error."""

    def pulumi(_: Project, *words: str) -> None:
        if words[0] == "up":
            raise error

    monkeypatch.setattr(work, "ask", asked)
    monkeypatch.setattr(halfway, "ask", asked)
    monkeypatch.setattr(work, "_pulumi", pulumi)
    monkeypatch.setattr(work, "_require_free", nothing)
    here = work.TakeOver(Project(Path(), "dell"), Remote(HOST), wish(test_vm="public"), survey(), ())
    with pytest.raises(OperationError) as told:
        work.take_over(here)
    return str(told.value)


def test_machines_without_a_network_are_named_with_both_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    after = survey(machines=[loose("app-vm", "private"), loose("test-vm", "default", "virbr0")])
    asked = Asked(after, after)
    told = broken(monkeypatch, asked, OperationError("`pulumi up` ended with 255"))
    assert told.startswith("`pulumi up` ended with 255\nthe take-over has stopped half-way: there is no network ")
    assert "app-vm run on, plugged into nothing" in told
    assert "test-vm run" not in told
    assert '`make adopt STACK=dell ARGS="--yes --move test-vm=public"`' in told
    assert '`make adopt STACK=dell ARGS="--undo --yes"`' in told
    assert FOLDER in told
    assert [verb for verb, _ in asked.done] == ["back_up", "take"], "nobody is plugged into a network without a policy"


def test_whoever_has_a_network_of_ours_already_is_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = [network("public", "br-public", "10.0.1.1/24", "open"), network("private", "virbr3", "10.0.2.1/24")]
    one, other = loose("web-vm", "public"), loose("app-vm", "private")
    asked = Asked(
        survey(networks=networks, machines=[one, other], ours=True),
        survey(networks=networks, machines=[loose("web-vm", "public", "br-public"), other], ours=True),
    )
    told = broken(monkeypatch, asked, KeyboardInterrupt())
    assert asked.done[-1] == ("reattach", {"bridges": {"public": "br-public"}, "moves": {}})
    assert "it was interrupted" in told
    assert "app-vm run on, plugged into nothing" in told


def test_a_host_that_cannot_be_asked_any_more_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> object:
        raise OperationError("host cannot be reached")

    monkeypatch.setattr(halfway, "ask", gone)
    told = str(halfway.stopped(Remote(HOST), wish(), {}, stack="dell", folder=FOLDER, why="why"))
    assert "machines may be plugged into nothing, which cannot be seen (host cannot be reached)" in told
    assert "--undo --yes" in told
