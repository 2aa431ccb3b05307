"""The VPC and its subnets: nothing is open by itself, and nothing that stays in the plan is another thing later."""

import pytest

from tests.components.aws_site import EVERYTHING, OPEN, build, network, stack
from tests.components.engine import (
    ACL,
    ASSOCIATION,
    DEFAULT_ACL,
    DEFAULT_GROUP,
    DEFAULT_TABLE,
    ELASTIC_IP,
    ENDPOINT,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    ROUTE,
    ROUTE_TABLE,
    SUBNET,
    VPC,
)


@pytest.mark.parametrize("preview", [True, False])
def test_every_segment_has_a_subnet_in_each_zone_with_the_plans_block(*, preview: bool) -> None:
    made = build(preview=preview).of(SUBNET)
    assert {(one.inputs["availabilityZone"][-2:], one.inputs["cidrBlock"]) for one in made.values()} == {
        ("1a", "10.0.0.0/24"), ("1c", "10.0.1.0/24"), ("1a", "10.0.2.0/24"), ("1c", "10.0.3.0/24"),
        ("1a", "10.0.4.0/24"), ("1c", "10.0.5.0/24"), ("1a", "10.0.6.0/24"), ("1c", "10.0.7.0/24"),
    }  # fmt: skip
    assert set(made) == {f"vpc-{name}-ap-northeast-1{z}" for name in ("alone", "web", "app", "data") for z in "ac"}


def test_no_subnet_gives_out_public_addresses_by_itself() -> None:
    assert [one.inputs["mapPublicIpOnLaunch"] for one in build().of(SUBNET).values()] == [False] * 8


def test_what_aws_puts_into_a_vpc_is_emptied() -> None:
    made = build()
    (group,), (acl,), (table,) = (made.of(t).values() for t in (DEFAULT_GROUP, DEFAULT_ACL, DEFAULT_TABLE))
    assert set(group.inputs) == {"vpcId", "tags"}, "no rule"
    assert set(acl.inputs) == {"defaultNetworkAclId", "tags"}, "no entry"
    assert acl.ignore_changes == ("subnetIds",)
    assert table.inputs.get("routes", []) == []


def test_an_internet_gateway_is_there_only_where_a_segment_leads_to_it() -> None:
    assert list(build().of(INTERNET_GATEWAY)) == ["vpc-internet"]
    assert list(build(stack(egress={"app": "nat"})).of(INTERNET_GATEWAY)) == ["vpc-internet"]
    closed = build(stack(egress={}))
    for token in (INTERNET_GATEWAY, NAT_GATEWAY, ELASTIC_IP, ENDPOINT, ROUTE):
        assert closed.of(token) == {}, "isolated means isolated"


def test_awss_resolver_answers_only_where_somebody_leaves_the_vpc() -> None:
    given = {
        "none": build(stack(egress={})),
        "gateway": build(),
        "endpoints": build(stack(egress={"web": "endpoints"})),
    }
    found = {way: next(iter(made.of(VPC).values())).inputs for way, made in given.items()}
    said = {way: (vpc["enableDnsSupport"], vpc["enableDnsHostnames"]) for way, vpc in found.items()}
    assert said == {"none": (False, False), "gateway": (True, False), "endpoints": (True, True)}


def test_every_subnet_has_a_table_and_an_acl_by_name() -> None:
    made = build(EVERYTHING, OPEN)
    subnets = {f"{name}-id" for name in made.of(SUBNET)}
    assert {one.inputs["subnetId"] for one in made.of(ASSOCIATION).values()} == subnets
    walled = [subnet for acl in made.of(ACL).values() for subnet in acl.inputs["subnetIds"]]
    assert sorted(walled) == sorted(subnets)
    assert len(made.of(ASSOCIATION)) == len(subnets) == 12


def test_tables_lead_where_the_stack_says_and_nowhere_else() -> None:
    made = build(EVERYTHING, OPEN)
    routes = {
        name.removeprefix("routing-").replace("ap-northeast-1", ""): one.inputs.get("gatewayId")
        or one.inputs["natGatewayId"]
        for name, one in made.of(ROUTE).items()
    }
    assert routes == {
        "web-out": "vpc-internet-id", "nat-out": "vpc-internet-id",
        "app-a-out": "routing-nat-ap-northeast-1a-id", "app-c-out": "routing-nat-ap-northeast-1c-id",
    }  # fmt: skip
    assert {one.inputs["destinationCidrBlock"] for one in made.of(ROUTE).values()} == {"0.0.0.0/0"}
    assert all("routes" not in one.inputs for one in made.of(ROUTE_TABLE).values()), "two sources would fight"


def test_one_nat_gateway_serves_all_zones_where_one_is_asked_for() -> None:
    made = build(stack(egress={"app": "nat"}))
    assert list(made.of(NAT_GATEWAY)) == ["routing-nat-ap-northeast-1a"]
    (route,) = (one for name, one in made.of(ROUTE).items() if name == "routing-app-out")
    assert route.inputs["natGatewayId"] == "routing-nat-ap-northeast-1a-id"
    (nat,), (address,) = made.of(NAT_GATEWAY).values(), made.of(ELASTIC_IP).values()
    (gateway,) = made.of(INTERNET_GATEWAY).values()
    assert gateway.urn in nat.dependencies
    assert gateway.urn in address.dependencies
    assert nat.inputs["allocationId"] == "routing-nat-ap-northeast-1a-id"


def test_s3_is_a_route_of_the_tables_that_need_it() -> None:
    made = build(EVERYTHING, OPEN).of(ENDPOINT)["routing-s3"].inputs
    assert made["vpcEndpointType"] == "Gateway"
    assert made["routeTableIds"] == ["routing-data-id"]


def test_everything_is_called_after_segments_and_zones() -> None:
    """A number in a name would be a place in a list, and the list changes."""
    made = build(EVERYTHING, OPEN)
    plain = {one.name.replace("ap-northeast-1", "") for one in made.resources if "groups" not in one.name}
    assert not [name for name in plain if any(letter.isdigit() for letter in name) and name != "routing-s3"]
    assert network()["segments"].keys() <= {part for name in plain for part in name.split("-")}
