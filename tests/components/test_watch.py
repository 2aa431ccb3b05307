import pytest

from providers.host import watched
from tests.components.engine import NETWORK, POOL, WATCH, Registered, pulumi_config
from tests.program.main import run_main


def watch(*, preview: bool = False) -> Registered:
    (made,) = run_main("dell", pulumi_config(), preview=preview).of(WATCH).values()
    return made


def test_every_network_and_pool_is_watched_as_it_was_asked_of_libvirt() -> None:
    made = run_main("dell", pulumi_config())
    given = watch().inputs
    for network in made.of(NETWORK).values():
        seen, asked = given["networks"][network.inputs["name"]], network.inputs
        assert (seen["bridge"], seen["domain"]) == (asked["bridge"], asked["domain"])
        assert seen["hosts"] == {host["ip"]: host["hostname"] for host in asked["dns"]["hosts"]}
        assert seen["options"] == [one["optionName"] for one in asked["dnsmasqOptions"]["options"]]
        assert seen["uuid"] == f"{network.name}-id", "the identity that libvirt gave it"
        assert bool(seen["leased"]) == asked["dhcp"]["enabled"]
    assert set(given["networks"]) == {one.inputs["name"] for one in made.of(NETWORK).values()}
    assert {name: one["folder"] for name, one in given["pools"].items()} == {
        one.inputs["name"]: one.inputs["target"]["path"] for one in made.of(POOL).values()
    }
    assert given["networks"]["public"]["address"] == "10.0.1.1/24"
    assert given["networks"]["public"]["leased"] == "10.0.1.100-10.0.1.200"
    assert given["uplinks"] == ["eno1"]


def test_the_provider_finds_nothing_wrong_with_it_but_the_tests_own_uuids() -> None:
    assert {one.text.split(": ")[1].split()[0] for one in watched.problems(watch().inputs)} == {"uuid"}


@pytest.mark.parametrize("preview", [True, False])
def test_it_comes_after_all_that_it_watches(*, preview: bool) -> None:
    made = run_main("dell", pulumi_config(), preview=preview)
    (seen,) = made.of(WATCH).values()
    assert set(seen.dependencies) >= {one.urn for token in (NETWORK, POOL) for one in made.of(token).values()}
