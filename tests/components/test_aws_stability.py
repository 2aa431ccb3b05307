"""A segment dropped, a zone inserted, a segment resized or renamed: what stays is registered as it was before."""

from collections.abc import Iterable
from copy import deepcopy
from ipaddress import IPv4Network

import pytest

from tests.components.aws_site import EVERYTHING, OPEN, Raw, build, by_urn, intent, recorded
from tests.components.engine import (
    ACL,
    ASSOCIATION,
    EGRESS_RULE,
    ELASTIC_IP,
    GROUP,
    INGRESS_RULE,
    NAT_GATEWAY,
    ROUTE,
    ROUTE_TABLE,
    SUBNET,
    RecordingEngine,
    Registered,
)
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import require_recorded
from twinvpc.model.problems import InvalidInputError

LASTING = (SUBNET, GROUP, ROUTE_TABLE, ROUTE, ASSOCIATION, ELASTIC_IP, NAT_GATEWAY, INGRESS_RULE, EGRESS_RULE)
"""What has to stay as it is to the letter; entries of ACLs follow the others."""


def of(made: RecordingEngine, tokens: Iterable[str]) -> dict[str, Registered]:
    return {urn: one for urn, one in by_urn(made).items() if one.type in set(tokens)}


def after(own: Raw, net: Raw, lock: Lock) -> tuple[RecordingEngine, Lock]:
    later = recorded(intent(own, net), lock)
    return build(own, net, lock=later), later


@pytest.fixture(scope="module")
def lock() -> Lock:
    return recorded(intent(EVERYTHING, OPEN))


@pytest.fixture(scope="module")
def before(lock: Lock) -> RecordingEngine:
    return build(EVERYTHING, OPEN, lock=lock)


def test_the_first_isolated_segment_dropped_changes_nothing_of_the_others(before: RecordingEngine, lock: Lock) -> None:
    net = deepcopy(OPEN)
    del net["segments"]["alone"]
    made, _ = after(EVERYTHING, net, lock)
    there, now = of(before, LASTING), of(made, LASTING)
    assert now.items() <= there.items()
    assert {urn for urn in there.keys() - now.keys() if "alone" not in urn} == set()
    assert of(made, [ACL]).items() <= of(before, [ACL]).items()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_zone_inserted_anywhere_leaves_every_subnet_as_it_is(before: RecordingEngine, lock: Lock, place: int) -> None:
    zones = list(EVERYTHING["zones"])
    zones.insert(place, "ap-northeast-1d")
    made, _ = after({**EVERYTHING, "zones": zones}, OPEN, lock)
    there, now = of(before, LASTING), of(made, LASTING)
    assert there.items() < now.items()
    assert all("ap-northeast-1d" in urn for urn in now.keys() - there.keys())


def test_a_zone_that_goes_takes_only_its_own(before: RecordingEngine, lock: Lock) -> None:
    made, _ = after({**EVERYTHING, "zones": ["ap-northeast-1c"]}, OPEN, lock)
    there, now = of(before, LASTING), of(made, LASTING)
    assert now.items() < there.items()
    assert all("ap-northeast-1a" in urn for urn in there.keys() - now.keys())


def test_a_segment_that_grows_changes_its_own_subnet_alone() -> None:
    own = {**EVERYTHING, "subnets": {"web": {"ap-northeast-1c": "10.0.200.0/24"}}}
    pinned = recorded(intent(own, OPEN))
    small = build(own, OPEN, lock=pinned)
    wide = {**own, "subnets": {"web": {"ap-northeast-1c": "10.0.200.0/23"}}}
    made, _ = after(wide, OPEN, pinned)
    there, now = of(small, LASTING), of(made, LASTING)
    assert there.keys() == now.keys()
    changed = {urn for urn in there if there[urn] != now[urn]}
    assert {urn.rsplit("::", 1)[1] for urn in changed} == {"vpc-web-ap-northeast-1c"}
    assert all(now[urn].delete_before_replace for urn in changed)


def test_a_segment_that_would_move_is_refused_with_both_names_before_anything_is_registered(lock: Lock) -> None:
    wanted = intent(
        {**EVERYTHING, "subnets": {"web": {"ap-northeast-1a": str(lock.of("aws").blocks["app/ap-northeast-1a"])}}}, OPEN
    )
    with pytest.raises(InvalidInputError) as caught:
        require_recorded(wanted, lock)
    (problem,) = caught.value.problems
    assert "`web/ap-northeast-1a` would move" in problem.what
    assert "where `app/ap-northeast-1a`" in problem.what


def test_a_renamed_segment_is_found_under_its_old_name_with_its_old_addresses(
    before: RecordingEngine, lock: Lock
) -> None:
    net, own = deepcopy(OPEN), deepcopy(EVERYTHING)
    net["segments"] = {"apps" if name == "app" else name: one for name, one in net["segments"].items()}
    net["segments"]["apps"]["renamed_from"] = "app"
    net["flows"] = [
        {"from": "web", "to": "apps", "services": ["tcp/8080", "icmp"]},
        {"from": "apps", "to": "data", "services": "any"},
    ]
    own["egress"] = {"apps" if name == "app" else name: way for name, way in own["egress"].items()}
    made, later = after(own, net, lock)
    assert later.of("aws").renamed == {f"app/{zone}": f"apps/{zone}" for zone in own["zones"]}
    there, now = of(before, [*LASTING, ACL]), of(made, [*LASTING, ACL])
    fresh = {urn: one for urn, one in now.items() if urn not in there}
    assert fresh, "the rename was seen"
    gone = {urn.rsplit("::", 1)[1] for urn in there.keys() - now.keys()}
    assert gone <= {alias for one in fresh.values() for alias in one.aliases}, "nothing is left behind"
    assert all(any(alias in gone for alias in one.aliases) for one in fresh.values()), "nothing is made anew"
    for urn, one in fresh.items():
        if one.type == SUBNET:
            (old,) = (was for was in there.values() if was.type == SUBNET and was.name in one.aliases)
            assert one.inputs["cidrBlock"] == old.inputs["cidrBlock"], urn


def test_a_way_out_that_closes_and_opens_again_has_its_subnets_back(lock: Lock) -> None:
    closed = {**EVERYTHING, "egress": {"web": "gateway", "data": "endpoints"}}
    _, without = after(closed, OPEN, lock)
    nat = [block for key, block in lock.of("aws").blocks.items() if key.startswith("nat/")]
    assert set(nat) <= set(without.of("aws").removed.values())
    assert after(EVERYTHING, OPEN, without)[1] == lock
    assert all(isinstance(block, IPv4Network) for block in nat)
