"""The watch's life against a worker that answers from a script: what is asked, what recorded, what differs."""

import asyncio

import pytest
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from providers.host import wire
from providers.host.connection import Connection
from providers.host.errors import HostError
from providers.host.messages import Answer, Request
from providers.host.provider import HostProvider
from providers.host.watched import watched
from tests.providers.samples import configure
from tests.providers.test_provider import Script
from tests.providers.test_watching import given

URN = "urn:pulumi:dell::twin-vpc::twin-vpc:host:NetworkWatch$twin-host:index:NetworkWatch::watch"
QUIET = {"network web": "in force", "pool twin-vpc-ssd": "in force"}
ILL = QUIET | {"network web": "changed by hand: it is not running"}
INPUTS = wire.properties(given())
OUTPUTS = wire.properties(given() | {"health": QUIET})


def provider(*answers: Answer) -> tuple[HostProvider, Script]:
    script = Script(answers)
    made = HostProvider(script)
    asyncio.run(made.configure(configure(address="local")))
    return made, script


def changes(olds: dict[str, PropertyValue], news: dict[str, PropertyValue], *answers: Answer) -> list[str]:
    made, script = provider(*answers)
    found = asyncio.run(made.diff(sdk.DiffRequest(URN, "networks", olds, news, [])))
    assert script.answers == []
    assert (found.changes, found.replaces, list(found.detailed_diff)) == (bool(found.diffs), [], found.diffs)
    return found.diffs


def test_nothing_changes_on_a_quiet_host_and_what_is_ill_is_an_update() -> None:
    assert changes(OUTPUTS, INPUTS, Answer(health=QUIET)) == []
    assert changes(OUTPUTS, INPUTS, Answer(health=ILL)) == ["health"], "although the state knows nothing"
    assert changes(wire.properties(given() | {"health": ILL}), INPUTS) == ["health"], "as a refresh has recorded it"


def test_a_changed_input_and_one_not_known_yet_are_updates_without_asking_the_host() -> None:
    assert changes(OUTPUTS, wire.properties(given(bridge="br-new"))) == ["networks"]
    assert changes(OUTPUTS, wire.properties(given(uuid=UNKNOWN))) == ["networks"]


def test_a_preview_never_contacts_the_host() -> None:
    made, script = provider()
    planned = asyncio.run(made.create(sdk.CreateRequest(URN, INPUTS, 60, preview=True)))
    changed = asyncio.run(made.update(sdk.UpdateRequest(URN, "networks", OUTPUTS, INPUTS, 60, [], preview=True)))
    assert script.requests == []
    for answer in (planned.properties, changed.properties):
        assert [name for name, value in answer.items() if wire.is_unknown(value)] == ["health"]


def test_create_and_update_put_right_and_record_the_health() -> None:
    made, script = provider(Answer(health=QUIET), Answer(health=QUIET))
    created = asyncio.run(made.create(sdk.CreateRequest(URN, INPUTS, 60, preview=False)))
    updated = asyncio.run(made.update(sdk.UpdateRequest(URN, "networks", OUTPUTS, INPUTS, 60, [], preview=False)))
    assert wire.plain(created.properties) == wire.plain(updated.properties) == given() | {"health": QUIET}
    assert [(one.verb, one.watched) for one in script.requests] == [("mend", watched(given()))] * 2


def test_a_refresh_names_what_is_ill_and_puts_nothing_right() -> None:
    made, script = provider(Answer(health=ILL))
    found = asyncio.run(made.read(sdk.ReadRequest(URN, "networks", OUTPUTS, INPUTS)))
    assert wire.plain(found.properties) == given() | {"health": ILL}
    assert wire.plain(found.inputs) == given()
    assert [one.verb for one in script.requests] == ["watch"]


def test_an_import_is_refused_in_a_sentence() -> None:
    made, _ = provider()
    with pytest.raises(HostError, match="holds nothing of its own to import"):
        asyncio.run(made.read(sdk.ReadRequest(URN, "networks", {}, {})))


def test_delete_touches_nothing() -> None:
    made, script = provider()
    asyncio.run(made.delete(sdk.DeleteRequest(URN, "networks", OUTPUTS, 60)))
    assert script.requests == []


def test_wrong_and_missing_inputs_are_refused_all_at_once() -> None:
    made, _ = provider()
    wrong = {name: value for name, value in wire.properties(given(uuid="x")).items() if name != "uplinks"}
    found = asyncio.run(made.check(sdk.CheckRequest(URN, {}, wrong, b""))).failures
    assert [one.property for one in found or []] == ["networks", "uplinks"]


def test_what_is_watched_survives_the_line_to_the_child() -> None:
    request = Request("mend", Connection("dell"), watched=watched(given()))
    assert Request.from_line(request.to_line()) == request
    assert Answer.from_line(Answer(health=ILL).to_line()) == Answer(health=ILL)
