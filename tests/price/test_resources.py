"""What is paid for is what the program makes: nothing that costs is left out, and nothing is made up."""

from collections.abc import Iterable

import pytest

from tests.components import engine
from tests.components.aws_site import build
from tests.components.engine import RecordingEngine
from tests.price.stacks import WAYS, network, raw, stack
from twinvpc.price.bill import bill
from twinvpc.price.table import TOKYO

FREE = frozenset({
    engine.VPC, engine.SUBNET, engine.ROUTE_TABLE, engine.ROUTE, engine.ASSOCIATION, engine.INTERNET_GATEWAY,
    engine.GROUP, engine.INGRESS_RULE, engine.EGRESS_RULE, engine.ACL, engine.DEFAULT_GROUP, engine.DEFAULT_ACL,
    engine.DEFAULT_TABLE, engine.ROLE, engine.ROLE_POLICY,
    engine.LOG_GROUP,  # what it takes in and keeps costs: lines of the flow log
})  # fmt: skip
CHARGED = frozenset({engine.ELASTIC_IP, engine.NAT_GATEWAY, engine.ENDPOINT, engine.FLOW_LOG})


def of_no_price(tokens: Iterable[str]) -> list[str]:
    """Types of resources of which nobody has said whether they cost."""
    return sorted(one for one in tokens if one.startswith("aws:") and one not in FREE | CHARGED)


def interfaces(made: RecordingEngine) -> int:
    """Interface endpoints, one for each zone that they stand in; the endpoint that is a route is free."""
    endpoints = made.of(engine.ENDPOINT).values()
    return sum(len(one.inputs["subnetIds"]) for one in endpoints if one.inputs["vpcEndpointType"] == "Interface")


@pytest.mark.parametrize("zones", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS)
def test_a_bill_counts_what_the_program_registers(way: str, zones: int) -> None:
    made = build(raw(way, zones), network())
    counts = {line.what: line.count for line in bill(stack(way, zones), TOKYO).lines}
    assert counts["public IPv4 addresses in use"] == len(made.of(engine.ELASTIC_IP))
    assert counts.get("NAT gateways", 0) == len(made.of(engine.NAT_GATEWAY))
    assert counts.get("interface endpoints of all zones", 0) == interfaces(made)
    assert ("flow logs" in counts) == bool(made.of(engine.FLOW_LOG))
    assert of_no_price(one.type for one in made.resources) == []


def test_a_type_of_resource_that_nobody_has_priced_is_noticed() -> None:
    assert of_no_price([engine.VPC, "aws:lb/loadBalancer:LoadBalancer"]) == ["aws:lb/loadBalancer:LoadBalancer"]
