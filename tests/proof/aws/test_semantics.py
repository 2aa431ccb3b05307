"""Each rule by which AWS judges packets, and beside it the case that must come out the other way."""

from dataclasses import replace

import pytest

from tests.proof.aws.vpcs import (
    ANY,
    EPHEMERAL,
    ICMP,
    OPEN_ACL,
    OPEN_GROUP,
    TCP,
    TO_GATEWAY,
    UDP,
    Vpc,
    block,
    entry,
    reach,
    rule,
    seen,
    without_association,
)  # fmt: skip
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.graph import ANYWHERE, Acl, Endpoint, NatGateway, Route, Target, TargetKind
from twinvpc.proof.aws.paths import Layer
from twinvpc.proof.aws.places import TASK_NEEDS
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import ALL, DENIED

IN, OUT = entry(10), entry(10, egress=True)
NAT_ROUTE = Route(ANYWHERE, Target(TargetKind.NAT, "nat"))


def test_what_nothing_closes_is_open() -> None:
    assert seen(Vpc(), "a", "b") == "all"


# Security groups


@pytest.mark.parametrize(
    ("name", "rules", "cell"),
    [
        ("a", (rule("b", TCP, (443, 443), egress=True),), "tcp/443"),
        ("a", (rule("a", TCP, (443, 443), egress=True),), "–"),
        ("a", (rule("b", TCP, (443, 443)),), "–"),
        ("b", (rule("a", UDP, (53, 60)),), "udp/53-60"),
        ("b", (rule("b", UDP, (53, 60)),), "–"),
        ("b", (rule("a", UDP, (53, 60), egress=True),), "–"),
        ("b", (rule("a", ICMP), rule("10.0.1.0/24", TCP, (1, 9)), rule("10.0.0.0/16", TCP, (5, 12))), "icmp tcp/1-12"),
        ("b", (rule("10.0.2.0/24"),), "–"),
        ("b", (rule("a", ANY),), "all"),
        ("b", (rule("com.amazonaws.ap-northeast-1.s3"),), "–"),
    ],
)  # fmt: skip
def test_a_group_permits_what_its_rules_name_in_their_direction(name: str, rules: tuple, cell: str) -> None:
    assert seen(Vpc(groups=((name, rules),)), "a", "b") == cell


def test_both_ends_have_to_permit() -> None:
    sends = ("a", (rule("b", TCP, (80, 443), egress=True),))
    takes = ("b", (rule("a", TCP, (443, 500)),))
    assert seen(Vpc(groups=(sends, takes)), "a", "b") == "tcp/443"
    assert seen(Vpc(groups=(sends, ("b", ()))), "a", "b") == "–"


def test_a_group_lets_answers_through_without_a_rule() -> None:
    one_way = (("a", (rule("b", egress=True),)), ("b", (rule("a"),)))
    assert seen(Vpc(groups=one_way), "a", "b") == "all"
    assert seen(Vpc(groups=one_way), "b", "a") == "–"


def test_groups_judge_inside_a_subnet_too_and_acls_do_not() -> None:
    assert seen(Vpc(groups=(("a", (rule("b", egress=True),)),)), "a", "a") == "–"
    assert seen(Vpc(acls=(("a", ()),)), "a", "a") == "all"
    assert seen(Vpc(acls=(("a", ()),), two_zones=True), "a", "a") == "– ~ all"


def test_one_type_of_icmp_is_not_icmp() -> None:
    one = reach(Vpc(groups=(("b", (rule("a", ICMP, (8, 8)),)),)), "a", "b")
    assert one.cell == DENIED
    assert one.partly.icmp


# Network ACLs


@pytest.mark.parametrize(
    ("entries", "cell"),
    [
        ((entry(10, TCP, (443, 443)), OUT), "tcp/443"),
        ((entry(10, TCP, (443, 443), allow=False), entry(20), OUT), "icmp tcp/1-442 tcp/444-65535 udp/1-65535"),
        ((entry(20, TCP, (443, 443), allow=False), entry(10), OUT), "all"),
        ((entry(10, cidr="10.0.1.0/24", allow=False), entry(20), OUT), "–"),
        ((entry(10, cidr="10.0.2.0/24", allow=False), entry(20), OUT), "all"),
        ((OUT,), "–"),
    ],
)
def test_the_first_entry_that_matches_decides_and_the_rest_is_denied(entries: tuple, cell: str) -> None:
    assert seen(Vpc(acls=(("b", entries),)), "a", "b") == cell


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize(
    ("ports", "cell"),
    [
        (EPHEMERAL, "tcp/1-65535"),
        ((1024, 65535), "tcp/1-65535"),
        ((32768, 60998), "– ~ tcp/1-65535"),
        ((32769, 65535), "– ~ tcp/1-65535"),
        ((443, 443), "–"),
        ((1024, 32767), "–"),
    ],
)
def test_an_acl_knows_no_connections_so_answers_need_entries_to_every_source_port_of_the_opener(
    name: str, ports: tuple[int, int], cell: str
) -> None:
    answers = (IN, entry(10, TCP, ports, egress=True)) if name == "b" else (entry(10, TCP, ports), OUT)
    assert seen(Vpc(acls=((name, answers),)), "a", "b") == cell


def test_answers_go_to_the_openers_addresses() -> None:
    right = Vpc(acls=(("b", (IN, entry(10, cidr="10.0.1.0/24", egress=True))),))
    assert (
        seen(right, "a", "b"),
        seen(Vpc(acls=(("b", (IN, entry(10, cidr="10.0.2.0/24", egress=True))),)), "a", "b"),
    ) == ("all", "–")


def test_icmp_answers_need_icmp() -> None:
    assert seen(Vpc(acls=(("b", (IN, entry(10, ICMP, egress=True))),)), "a", "b") == "icmp"
    assert seen(Vpc(acls=(("b", (IN, entry(10, ICMP, (8, 8), egress=True))),)), "a", "b") == "– ~ icmp"


def test_an_entry_for_half_a_subnet_opens_the_cell_in_part() -> None:
    assert seen(Vpc(acls=(("b", (entry(10, cidr="10.0.1.0/25"), OUT)),)), "a", "b") == "– ~ all"
    assert (
        seen(Vpc(acls=(("b", (entry(10, cidr="10.0.1.0/25"), entry(11, cidr="10.0.1.128/25"), OUT)),)), "a", "b")
        == "all"
    )


def test_a_cell_that_is_open_in_one_zone_alone_is_told_by_subnet() -> None:
    vpc = Vpc(acls=(("b", (entry(10, TCP, (443, 443), "10.0.1.0/24"), OUT)),), two_zones=True)
    one = reach(vpc, "a", "b")
    opened = {(t.source, t.destination) for t in one.trials if t.passes.always.tcp}
    assert (str(one.cell), str(one.partly), opened) == ("–", "tcp/443", {("a-1", "b-1"), ("a-1", "b-2")})


def test_a_subnet_without_an_acl_has_the_default_one_which_is_empty_once_adopted() -> None:
    graph = Vpc().graph
    assert seen(without_association(graph, "b-1", acl=True), "a", "b") == "–"
    untouched = replace(graph, acls=(*graph.acls[:-1], Acl("default", default=True, entries=OPEN_ACL)))
    assert seen(without_association(untouched, "b-1", acl=True), "a", "b") == "all"


# Routes


def test_the_local_route_needs_no_entry_and_a_subnet_without_a_table_has_the_main_one() -> None:
    assert seen(without_association(Vpc(routes=(("a", (TO_GATEWAY,)),)).graph, "a-1", table=True), "a", "b") == "all"


def test_the_internet_needs_a_route_to_a_gateway_that_is_attached() -> None:
    routed = Vpc(routes=(("a", (TO_GATEWAY,)),))
    assert (seen(routed, "a", "internet"), seen(routed, "internet", "a")) == ("all", "all")
    assert (seen(routed, "b", "internet"), seen(routed, "internet", "b")) == ("–", "–")
    assert seen(replace(routed, gateway=False), "a", "internet") == "–"
    assert seen(without_association(routed.graph, "a-1", table=True), "a", "internet") == "–"


def test_the_longest_prefix_decides() -> None:
    hole = Route(block("198.51.100.0/24"), Target(TargetKind.NOWHERE))
    assert seen(Vpc(routes=(("a", (TO_GATEWAY, hole)),)), "a", "internet") == "– ~ all"
    part = Route(block("198.51.100.0/24"), TO_GATEWAY.target)
    assert seen(Vpc(routes=(("a", (Route(ANYWHERE, Target(TargetKind.NOWHERE)), part)),)), "a", "internet") == "– ~ all"
    private = Route(block("172.16.0.0/12"), Target(TargetKind.NOWHERE))
    assert seen(Vpc(routes=(("a", (TO_GATEWAY, private)),)), "a", "internet") == "all", (
        "private addresses are not the Internet"
    )


def test_a_route_inside_the_vpc_that_beats_the_local_one_leads_away() -> None:
    stolen = Route(block("10.0.2.0/24"), Target(TargetKind.NAT, "nat"))
    vpc = Vpc(routes=(("a", (stolen,)),), nat=True)
    assert (seen(vpc, "a", "b"), seen(vpc, "b", "a")) == ("–", "–"), "answers take the same way"


def test_the_internet_is_public_addresses() -> None:
    private = (entry(5, cidr="10.0.0.0/8", allow=False), entry(6, cidr="192.168.0.0/16", allow=False), entry(10))
    vpc = Vpc(
        acls=(("a", (*private, *(replace(one, egress=True) for one in private))),), routes=(("a", (TO_GATEWAY,)),)
    )
    assert seen(vpc, "a", "internet") == "all"
    assert seen(vpc, "a", "b") == "–"


def test_strangers_answer_to_source_ports_that_nobody_knows() -> None:
    linux_only = (IN, entry(10, TCP, EPHEMERAL, egress=True))
    assert seen(Vpc(acls=(("a", linux_only),), routes=(("a", (TO_GATEWAY,)),)), "internet", "a") == "– ~ tcp/1-65535"
    all_of_them = (IN, entry(10, TCP, (1024, 65535), egress=True))
    assert seen(Vpc(acls=(("a", all_of_them),), routes=(("a", (TO_GATEWAY,)),)), "internet", "a") == "tcp/1-65535"


# NAT


def natted(*, nat_acl: tuple = OPEN_ACL, a_acl: tuple = OPEN_ACL, nat_routes: tuple = (TO_GATEWAY,)) -> Vpc:
    return Vpc(acls=(("n", nat_acl), ("a", a_acl)), routes=(("a", (NAT_ROUTE,)), ("n", nat_routes)), nat=True)


def test_behind_a_nat_gateway_one_reaches_the_internet_and_is_not_reached() -> None:
    assert (seen(natted(), "a", "internet"), seen(natted(), "internet", "a")) == ("all", "–")


def test_the_nat_gateways_own_subnet_needs_the_way_out() -> None:
    assert seen(natted(nat_routes=()), "a", "internet") == "–"
    broken = replace(natted().graph, nats=(NatGateway("nat", "n", working=False),))
    assert seen(broken, "a", "internet") == "–"
    assert seen(replace(natted().graph, nats=()), "a", "internet") == "–"


HOST, WORLD = "10.0.1.0/24", "0.0.0.0/0"
WAY_OF_HTTPS = (
    entry(10, TCP, (443, 443), HOST),
    entry(20, cidr="10.0.0.0/16", allow=False),
    entry(30, TCP, (1024, 3388), WORLD),
    entry(40, TCP, (3390, 65535), WORLD),
    entry(10, TCP, EPHEMERAL, HOST, egress=True),
    entry(20, cidr="10.0.0.0/16", allow=False, egress=True),
    entry(30, TCP, (443, 443), WORLD, egress=True),
)


def test_the_nat_gateways_acl_is_passed_four_times() -> None:
    assert seen(natted(nat_acl=WAY_OF_HTTPS), "a", "internet") == "tcp/443"


@pytest.mark.parametrize("gone", [one for one in WAY_OF_HTTPS if one.allow], ids=str)
def test_each_of_the_four_passages_is_needed(gone: object) -> None:
    left = tuple(one for one in WAY_OF_HTTPS if one != gone)
    assert reach(natted(nat_acl=left), "a", "internet").cell == DENIED


def test_answers_reach_a_host_behind_nat_under_the_internets_address() -> None:
    by_world = (entry(10, TCP, EPHEMERAL), OUT)
    by_gateway = (entry(10, TCP, EPHEMERAL, "10.0.9.0/28"), OUT)
    assert seen(natted(a_acl=by_world), "a", "internet") == "tcp/1-65535"
    assert seen(natted(a_acl=by_gateway), "a", "internet") == "–"


# Endpoints

S3 = "com.amazonaws.ap-northeast-1.s3"
INTERFACES = [f"com.amazonaws.ap-northeast-1.{name}" for name in TASK_NEEDS if name != "s3"]
ENDPOINTS = (
    *(Endpoint(name, name, interface=True, subnets=("n",), groups=("b",), private_dns=True) for name in INTERFACES),
    Endpoint("s3", S3, interface=False, tables=("a",)),
)


def served(vpc: Vpc, *, endpoints: tuple[Endpoint, ...] = ENDPOINTS, source: str = "a") -> str:
    graph = replace(vpc.graph, endpoints=tuple(sorted(endpoints)))
    one = evaluate(Wiring(graph), vpc.places).of(source, "aws-services")
    return str(one.cell) if one.exact else f"{one.cell} ~ {one.partly}"


TASK = (("a", (rule("b", TCP, (443, 443), egress=True), rule(S3, TCP, (443, 443), egress=True))),)


def test_a_task_reaches_every_service_that_it_needs() -> None:
    assert served(Vpc(groups=TASK)) == "tcp/443"
    assert served(Vpc(groups=TASK), source="b") == "– ~ all", "its table does not lead to S3"


@pytest.mark.parametrize("gone", ENDPOINTS, ids=lambda one: one.service)
def test_a_service_without_an_endpoint_is_missed(gone: Endpoint) -> None:
    assert served(Vpc(groups=TASK), endpoints=tuple(one for one in ENDPOINTS if one != gone)) == "– ~ tcp/443"


def test_every_condition_of_an_endpoint_counts() -> None:
    def changed(service: str, **new: object) -> str:
        some = tuple(replace(one, **new) if one.service == service else one for one in ENDPOINTS)
        return served(Vpc(groups=TASK), endpoints=some)

    assert changed(S3, tables=("b",)) == "– ~ tcp/443"
    assert changed(INTERFACES[0], private_dns=False) == "– ~ tcp/443", "its name leads elsewhere"
    assert changed(INTERFACES[0], groups=()) == "– ~ tcp/443"
    assert served(Vpc(groups=(("a", TASK[0][1][:1]),))) == "– ~ tcp/443", "no rule for the prefix list"
    assert served(Vpc(groups=TASK, acls=(("a", (entry(10, cidr="10.0.0.0/16"), OUT)),))) == "– ~ tcp/443", (
        "S3 answers from outside"
    )
    assert served(Vpc(groups=TASK, acls=(("n", (IN, entry(10, cidr="10.0.2.0/24", egress=True))),))) == "– ~ tcp/443"


def test_a_gateway_endpoint_takes_no_udp() -> None:
    assert served(Vpc(), endpoints=ENDPOINTS) == "icmp tcp/1-65535 ~ all"


def test_services_open_nothing() -> None:
    graph = replace(Vpc().graph, endpoints=tuple(sorted(ENDPOINTS)))
    found = evaluate(Wiring(graph), Vpc().places)
    assert not [pair for pair in found.reach if pair[0] == "aws-services"]


# Layers


def test_a_layer_alone_sees_its_own_walls_and_no_others() -> None:
    vpc = Vpc(groups=(("b", (rule("a", TCP, (1, 9)),)),), acls=(("b", (entry(10, TCP, (5, 20)), OUT)),))
    cells = {layer: str(reach(vpc, "a", "b", frozenset({layer})).cell) for layer in Layer}
    assert cells == {Layer.GROUPS: "tcp/1-9", Layer.ACLS: "tcp/5-20", Layer.ROUTES: "all"}
    assert seen(vpc, "a", "b") == "tcp/5-9"
    assert reach(vpc, "a", "internet", frozenset({Layer.ROUTES})).cell == DENIED
    assert reach(vpc, "a", "internet", frozenset({Layer.GROUPS})).cell == ALL


def test_the_nat_gateways_acl_belongs_to_the_acls() -> None:
    vpc = natted(nat_acl=WAY_OF_HTTPS)
    assert str(reach(vpc, "a", "internet", frozenset({Layer.ACLS})).cell) == "tcp/443"


def test_a_big_network_is_looked_at_only_where_ingress_rules_speak_of_somebody() -> None:
    """Who is left out must be closed: a rule by block counts as well as one by name."""
    by_block = Vpc(groups=(("b", (rule("10.0.1.128/25", TCP, (1, 1)),)), ("a", OPEN_GROUP)))
    assert seen(by_block, "a", "b") == "– ~ tcp/1"
