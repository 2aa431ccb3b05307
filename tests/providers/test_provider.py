"""The resource's life against a worker that answers from a script: what is asked, what recorded, what differs."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from pulumi.provider.experimental import provider as sdk

from providers.host import wire
from providers.host.client import Worker
from providers.host.errors import HostError
from providers.host.messages import Answer, Request
from providers.host.policy import HostState
from providers.host.provider import HostProvider
from tests.providers.samples import configure, create, delete, diff, inputs, outputs, read, update


class Script(Worker):
    """Answers in order and keeps the requests; one answer too few is an error."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(("false",))
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.answers.pop(0)


HEALTHY = HostState(wire.to_policy(outputs()), wire.to_in_force(outputs()))


def provider(*answers: Answer) -> tuple[HostProvider, Script]:
    script = Script(answers)
    made = HostProvider(script)
    asyncio.run(made.configure(configure(address="local")))
    return made, script


def changes(olds: dict[str, object], news: dict[str, object], ignore: list[str] | None = None) -> sdk.DiffResponse:
    return asyncio.run(provider(Answer(HEALTHY))[0].diff(diff(olds, news, ignore)))


def test_nothing_changes_when_nothing_changed() -> None:
    found = changes(outputs(), inputs())
    assert (found.changes, found.diffs, found.replaces) == (False, [], [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ruleset", "table inet twin_vpc {}\n"),
        ("uplinks", ["eno1"]),
        ("routingRules", []),
        ("routingRules6", []),
        ("bridges", ["br-public"]),
        ("retiredBridges", ["br-old"]),
        ("blocks", {}),
        ("mark", "0x2/0x2"),
        ("zone", ""),
        ("zonePolicies", {}),
        ("sysctl", ""),
    ],
)
def test_a_changed_input_is_named_and_updated_in_place(name: str, value: object) -> None:
    found = changes(outputs(), inputs(**{name: value}))
    assert (found.changes, found.diffs, found.replaces, list(found.detailed_diff)) == (True, [name], [], [name])
    assert found.detailed_diff[name].kind is sdk.PropertyDiffKind.UPDATE


def test_a_known_change_does_not_ask_the_host() -> None:
    made, script = provider()
    assert asyncio.run(made.diff(diff(outputs(), inputs(sysctl="")))).changes
    assert script.requests == []


@pytest.mark.parametrize(
    ("held", "names"),
    [
        (None, ["kernel"]),
        (replace(HEALTHY, in_force=replace(HEALTHY.in_force, kernel="changed by hand: x")), ["kernel"]),
        (replace(HEALTHY, policy=replace(HEALTHY.policy, sysctl="edited")), ["sysctl"]),
    ],
)
def test_what_the_host_has_lost_is_put_back_although_the_state_knows_nothing(
    held: HostState | None, names: list[str]
) -> None:
    made, script = provider(Answer(held))
    found = asyncio.run(made.diff(diff(outputs(), inputs())))
    assert (found.changes, found.diffs, found.replaces, list(found.detailed_diff)) == (True, names, [], names)
    assert [request.verb for request in script.requests] == ["read"]


def test_an_ignored_change_is_ignored() -> None:
    assert not changes(outputs(), inputs(sysctl=""), ["sysctl"]).changes


@pytest.mark.parametrize("name", ["kernel", "service"])
def test_what_a_refresh_found_is_repaired_although_no_input_changed(name: str) -> None:
    found = changes(outputs(**{name: "changed by hand: table inet twin_vpc is missing"}), inputs())
    assert (found.changes, found.diffs, found.replaces) == (True, [name], [])


def test_a_preview_never_contacts_the_host() -> None:
    made, script = provider()
    planned = asyncio.run(made.create(create(inputs(), preview=True)))
    changed = asyncio.run(made.update(update(wire.properties(outputs()), inputs(), preview=True)))
    assert script.requests == []
    for answer in (planned.properties, changed.properties):
        assert {name for name, value in answer.items() if wire.is_unknown(value)} == {
            "uplinksInForce",
            "firewalld",
            "ipForwardBefore",
            "kernel",
            "service",
        }
        assert all(value.marshal() for value in answer.values()), "pulumi can send every one of them"


def test_create_and_update_send_the_policy_and_record_what_is_in_force() -> None:
    made, script = provider(Answer(HEALTHY), Answer(HEALTHY))
    created = asyncio.run(made.create(create(inputs())))
    updated = asyncio.run(made.update(update(created.properties, inputs())))
    assert created.resource_id == "twin-vpc"
    assert wire.plain(created.properties) == wire.plain(updated.properties) == outputs()
    assert [(request.verb, request.policy) for request in script.requests] == [("apply", HEALTHY.policy)] * 2


def test_a_refresh_records_what_is_really_there() -> None:
    seen = HostState(
        replace(HEALTHY.policy, sysctl="edited\n"), replace(HEALTHY.in_force, service="changed by hand: x")
    )
    made, script = provider(Answer(seen))
    found = asyncio.run(made.read(read(outputs())))
    assert wire.plain(found.properties) == outputs(sysctl="edited\n", service="changed by hand: x")
    assert wire.plain(found.inputs) == inputs(sysctl="edited\n")
    assert script.requests[0].in_force == HEALTHY.in_force, "the worker compares with what was recorded"
    repaired = changes(wire.plain(found.properties), inputs())
    assert set(repaired.diffs) == {"sysctl", "service"}


def test_a_refresh_of_a_host_without_us_says_gone() -> None:
    made, _ = provider(Answer())
    assert asyncio.run(made.read(read(outputs()))).resource_id is None


def test_an_import_starts_from_the_host_alone() -> None:
    made, script = provider(Answer(HEALTHY))
    found = asyncio.run(made.read(read({})))
    assert (script.requests[0].policy, script.requests[0].in_force) == (None, None)
    assert wire.plain(found.inputs) == inputs()


def test_delete_says_what_is_ours() -> None:
    made, script = provider(Answer())
    asyncio.run(made.delete(delete(outputs())))
    assert [(request.verb, request.policy, request.in_force) for request in script.requests] == [
        ("remove", HEALTHY.policy, HEALTHY.in_force)
    ]


def test_a_missing_key_is_refused_before_anything_starts(tmp_path: object) -> None:
    made, script = provider()
    asyncio.run(made.configure(configure(address="192.0.2.1", keyFile=f"{tmp_path}/nothing")))
    with pytest.raises(HostError, match=r"twin-vpc:host\.key_file: there is no file .*nothing"):
        asyncio.run(made.create(create(inputs())))
    assert script.requests == []


def test_an_address_that_is_not_known_yet_is_no_riddle() -> None:
    made, _ = provider()
    asyncio.run(made.configure(configure()))
    with pytest.raises(HostError, match=r"twin-vpc:host\.address is missing"):
        asyncio.run(made.create(create(inputs())))


def test_another_resource_type_is_refused() -> None:
    made, _ = provider()
    request = create(inputs())
    check = sdk.CheckRequest(request.urn.replace("NetworkPolicy", "Mail"), {}, request.properties, b"")
    with pytest.raises(HostError, match="twin-host has no resource twin-host:index:Mail"):
        asyncio.run(made.check(check))
