"""What is said of a cell is true: grounds are needed, and every smallest change that opens it is found, no more."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

import pytest

from tests.proof.aws.sample import GRAPH, PLACES, POSTGRES
from tests.proof.aws.vpcs import (
    ANY,
    EPHEMERAL,
    HTTPS,
    ICMP,
    TCP,
    TO_GATEWAY,
    UDP,
    Vpc,
    entry,
    rule,
)  # fmt: skip
from twinvpc.model.services import EVERYTHING, Service
from twinvpc.model.services import ICMP as PING
from twinvpc.proof.aws.errors import GraphError
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.explain import Explanation, explain, services_of
from twinvpc.proof.aws.fixes import AddEntry, AddRoute, AttachGateway, Way, applied
from twinvpc.proof.aws.graph import ANYWHERE, AwsGraph, Endpoint, NatGateway, Route, Target, TargetKind
from twinvpc.proof.aws.ports import CONCRETE, covers
from twinvpc.proof.aws.reasons import MEANING, wanted
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import ALL, DENIED, Cell

NAT_ROUTE = Route(ANYWHERE, Target(TargetKind.NAT, "nat"))
NOWHERE = Route(ANYWHERE, Target(TargetKind.NOWHERE))
STOLEN = replace(NAT_ROUTE, destination=Vpc().subnets[1].cidr)
CLOSED_ACL = (entry(50, cidr="10.0.0.0/16", allow=False), entry(60), entry(100, egress=True))


def of(vpc: Vpc, source: str = "a", destination: str = "b", service: Service = HTTPS) -> Explanation:
    return explain(vpc.graph, vpc.places, (source, destination), service)


def codes(one: Explanation) -> list[str]:
    return [reason.code for reason in one.reasons]


@pytest.mark.parametrize(
    ("vpc", "ends", "code"),
    [
        (Vpc(groups=(("a", (rule("a", egress=True),)),)), "ab", ["ENI_SG_RULES_MISMATCH"]),
        (Vpc(groups=(("b", ()),)), "ab", ["SG_HAS_NO_RULES"]),
        (Vpc(groups=(("b", (rule("a", egress=True),)),)), "ab", ["SG_HAS_NO_RULES"]),
        (Vpc(acls=(("b", CLOSED_ACL),)), "ab", ["SUBNET_ACL_RESTRICTION"]),
        (Vpc(acls=(("b", (entry(1),)),)), "ab", ["SUBNET_ACL_RESTRICTION"]),
        (Vpc(), ("a", "internet"), ["NO_ROUTE_TO_DESTINATION"]),
        (Vpc(), ("internet", "a"), ["IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"]),
        (Vpc(routes=(("a", (TO_GATEWAY,)),), gateway=False), ("a", "internet"), ["BAD_STATE_ATTACHMENT"]),
        (Vpc(routes=(("a", (NOWHERE,)),)), ("a", "internet"), ["BAD_STATE_ROUTE"]),
        (Vpc(routes=(("a", (STOLEN,)),), nat=True), "ab", ["MORE_SPECIFIC_ROUTE"]),
    ],
)  # fmt: skip
def test_reasons_come_in_the_words_of_reachability_analyzer(vpc: Vpc, ends: tuple[str, str], code: list[str]) -> None:
    one = of(vpc, *ends)
    assert codes(one) == code
    assert not one.open
    assert set(codes(one)) <= MEANING.keys()


REFUSED = "SUBNET_ACL_RESTRICTION: network ACL b does not admit it"


def test_a_reason_names_component_direction_leg_and_peer() -> None:
    forward = of(Vpc(acls=(("b", CLOSED_ACL),)))
    answer = of(Vpc(acls=(("b", (entry(1),)),)))
    assert [str(one) for one in forward.reasons] == [f"{REFUSED} (ingress, from a-1)"]
    assert [str(one) for one in answer.reasons] == [f"{REFUSED} (answer, egress, to a-1)"]


def test_services_have_their_own_reasons() -> None:
    s3 = Endpoint("s3", "com.amazonaws.x.s3", interface=False)
    ecr = Endpoint("ecr", "com.amazonaws.x.ecr.api", interface=True, subnets=("n",), groups=("b",))
    graph = replace(Vpc().graph, endpoints=(ecr, s3))
    one = explain(graph, Vpc().places, ("a", "aws-services"), HTTPS)
    assert [(r.code, r.component) for r in one.reasons] == [
        ("NO_POSSIBLE_DESTINATION", "service ecr"),
        ("NO_ROUTE_TO_DESTINATION", "route table a"),
        ("NO_POSSIBLE_DESTINATION", "service ecr.dkr"),
        ("NO_POSSIBLE_DESTINATION", "service logs"),
        ("NO_POSSIBLE_DESTINATION", "service secretsmanager"),
    ]
    assert one.ways == (), "no change of rules makes an endpoint"
    udp = explain(
        replace(graph, endpoints=(replace(s3, tables=("a",)),)), Vpc().places, ("a", "aws-services"), Service(UDP, 1, 1)
    )
    assert "VPCE_GATEWAY_PROTOCOL_RESTRICTION" in codes(udp)
    broken = replace(
        Vpc(routes=(("a", (NAT_ROUTE,)), ("n", (TO_GATEWAY,)))).graph, nats=(NatGateway("nat", "n", working=False),)
    )
    assert codes(explain(broken, Vpc().places, ("a", "internet"), HTTPS)) == ["BAD_STATE"]


def test_an_open_cell_stands_on_rules_both_ways() -> None:
    one = explain(GRAPH, PLACES, ("app", "db"), POSTGRES)
    assert (one.open, one.reasons, one.ways) == (True, (), ())
    assert {str(ground) for ground in one.grounds if "0" not in ground.component} >= {
        "security group app: egress tcp/5432 to group db",
        "security group db: ingress tcp/5432 from group app",
        "route table app: local",
        "route table db: local (answer)",
    }
    assert any(ground.answer and "32768-60999" in ground.rule for ground in one.grounds)


def test_each_ground_of_a_cell_is_needed() -> None:
    """Taken away one by one, each closes the cell, or narrows it where it is there for one subnet."""
    for ground in explain(GRAPH, PLACES, ("app", "db"), POSTGRES).grounds:
        if ground.rule != "local":
            assert not explain(_without(GRAPH, ground.component, ground.rule), PLACES, ("app", "db"), POSTGRES).open, (
                ground
            )


def _without(graph: AwsGraph, component: str, text: str) -> AwsGraph:
    name = component.rsplit(" ", 1)[1]
    groups = tuple(replace(g, rules=tuple(r for r in g.rules if g.key != name or str(r) != text)) for g in graph.groups)
    acls = tuple(replace(a, entries=tuple(e for e in a.entries if a.key != name or str(e) != text)) for a in graph.acls)
    return replace(graph, groups=groups, acls=acls)


def test_the_way_out_by_nat_is_told() -> None:
    vpc = Vpc(routes=(("a", (NAT_ROUTE,)), ("n", (TO_GATEWAY,))), nat=True)
    told = {str(one) for one in of(vpc, "a", "internet").grounds}
    assert {"route table a: 0.0.0.0/0 → NAT gateway nat", "route table n: 0.0.0.0/0 → Internet gateway igw"} <= told
    assert {"NAT gateway nat: public address", "network ACL n: ingress 100 allow any 0.0.0.0/0 (answer)"} <= told


def test_what_to_explain_follows_from_the_cell() -> None:
    assert services_of(ALL) == services_of(DENIED) == (EVERYTHING,)
    assert services_of(Cell(icmp=True, tcp=((443, 443),))) == (PING, HTTPS)


ONLY_A = ("a", (rule("b", TCP, (1, 9), egress=True),))
ANSWERS = (
    entry(10, TCP, (443, 443), "10.0.1.0/24"),
    entry(20, cidr="10.0.0.0/16", allow=False, egress=True),
    entry(30, egress=True),
)
TWICE = (*CLOSED_ACL, entry(40, TCP, (400, 500), allow=False))
HALF = (entry(9, TCP, EPHEMERAL, "10.0.1.0/24"),)
BRUTE: dict[str, tuple[Vpc, tuple[str, str], Service]] = {
    "one rule": (Vpc(groups=(ONLY_A,)), ("a", "b"), HTTPS),
    "two rules": (Vpc(groups=(ONLY_A, ("b", ()))), ("a", "b"), HTTPS),
    "a denying entry": (Vpc(acls=(("b", CLOSED_ACL),)), ("a", "b"), HTTPS),
    "two denying entries": (Vpc(acls=(("b", TWICE),)), ("a", "b"), HTTPS),
    "an answer": (Vpc(acls=(("b", (entry(1),)),)), ("a", "b"), HTTPS),
    "a denied answer": (Vpc(acls=(("b", ANSWERS),)), ("a", "b"), HTTPS),
    "rule and entry": (Vpc(groups=(ONLY_A,), acls=(("b", CLOSED_ACL),)), ("a", "b"), HTTPS),
    "both zones": (Vpc(groups=(ONLY_A,), acls=(("b", HALF),), two_zones=True), ("a", "b"), HTTPS),
    "everything": (Vpc(groups=(ONLY_A,), acls=(("a", (entry(1, egress=True),)),)), ("a", "b"), EVERYTHING),
    "ping": (Vpc(acls=(("a", (entry(1, TCP), entry(1, ICMP, egress=True))),)), ("a", "b"), PING),
    "inside a segment": (Vpc(acls=(("a", ()),), two_zones=True), ("a", "a"), Service(TCP, 40000, 40000)),
    "a route": (Vpc(), ("a", "internet"), HTTPS),
    "a route or NAT": (Vpc(nat=True, routes=(("n", (TO_GATEWAY,)),)), ("a", "internet"), HTTPS),
    "no gateway": (Vpc(gateway=False, groups=(("a", ()),)), ("a", "internet"), HTTPS),
    "NAT's own way": (Vpc(nat=True, routes=(("a", (NAT_ROUTE,)),)), ("a", "internet"), HTTPS),
    "from outside": (Vpc(groups=(("a", ()),)), ("internet", "a"), HTTPS),
    "a lost gateway": (Vpc(gateway=False, routes=(("a", (TO_GATEWAY,)),)), ("a", "internet"), HTTPS),
}  # fmt: skip


@pytest.mark.parametrize("name", BRUTE)
def test_every_smallest_way_is_found_and_nothing_else(name: str) -> None:
    vpc, ends, service = BRUTE[name]
    graph, found = vpc.graph, set(of(vpc, *ends, service).ways)
    assert found
    pieces = {fix for way in found for fix in way} | _unneeded(vpc, ends, service)
    assert found == _smallest(graph, vpc, ends, service, pieces)


def _unneeded(vpc: Vpc, ends: tuple[str, str], service: Service) -> set:
    """Changes of the same vocabulary that should be in no way, for the brute force to choose from."""
    spare = (Target(TargetKind.INTERNET, "igw"), Target(TargetKind.NAT, "nat"))
    routes = {AddRoute(key, Route(ANYWHERE, target)) for key in "ab" for target in spare if key not in ends}
    new = AttachGateway("spare") if vpc.gateway else AddEntry("b", entry(0, UDP, (1, 1)), first=False)
    return (
        routes | {new} | {AddEntry("n", replace(entry(0, ANY), allow=True), first=False)}
        if service != EVERYTHING
        else {new}
    )


def _smallest(graph: AwsGraph, vpc: Vpc, ends: tuple[str, str], service: Service, pieces: Iterable) -> set[Way]:
    found: set[Way] = set()
    listed = sorted(pieces, key=str)
    for count in range(len(listed) + 1):
        for chosen in combinations(listed, count):
            way = frozenset(chosen)
            if not any(one <= way for one in found) and is_open(applied(graph, way), vpc, ends, service):
                found.add(way)
    return found


def is_open(graph: AwsGraph, vpc: Vpc, ends: tuple[str, str], service: Service) -> bool:
    always = evaluate(Wiring(graph), vpc.places).of(*ends).always
    return all(covers(always.of(one), wanted(service).of(one)) for one in CONCRETE)


def test_ways_come_with_the_fewest_changes_first() -> None:
    vpc, ends, service = BRUTE["two denying entries"]
    sizes = [len(way) for way in of(vpc, *ends, service).ways]
    assert sizes == sorted(sizes) == [1, 2]


def test_entries_join_subnets_only_where_nobody_else_is_touched() -> None:
    one = explain(GRAPH, PLACES, ("web", "db"), POSTGRES)
    told = sorted(str(fix) for fix in one.ways[0])
    assert "add to network ACL web, before all others: egress allow tcp/5432 10.0.5.0/24" in told
    assert "add to network ACL db, behind all others: ingress allow tcp/5432 10.0.0.0/22" in told
    assert not any("10.0.4.0/22" in text for text in told), "the block of both of db's subnets holds app's as well"


def test_a_node_that_is_not_there_is_named() -> None:
    with pytest.raises(GraphError, match="lan is no node of this VPC"):
        of(Vpc(), "a", "lan")
