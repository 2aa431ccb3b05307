"""The owner's rules as AWS says them, by hand; what it cannot say, and what the account has no room for, is refused."""

from dataclasses import replace
from typing import Any

import pytest

from tests.policy.aws_walls import AwsCase, stack_of
from twinvpc.model.aws import Quotas
from twinvpc.model.problems import Problem
from twinvpc.model.services import EVERYTHING, ICMP, parse_service
from twinvpc.policy.aws_acls import LINUX, NAT_GATEWAY, acls, answers
from twinvpc.policy.aws_groups import groups
from twinvpc.policy.aws_limits import excess
from twinvpc.policy.terms import Term, UnsupportedTermError, compile_policy

SEGMENTS = {"web": {"internet": True}, "app": {"internet": True}, "data": {}}
FLOWS = [
    {"from": "web", "to": "app", "services": ["tcp/8080", "icmp"]},
    {"from": "app", "to": "data", "services": "any"},
]


def case(egress: dict[str, str], flows: list[dict[str, Any]] | None = None, **more: Any) -> AwsCase:  # noqa: ANN401 - raw YAML
    network = {
        "domain": "lab.local", "cidr": "10.0.0.0/16", "segments": SEGMENTS,
        "flows": FLOWS if flows is None else flows,
    }  # fmt: skip
    return AwsCase(network, stack_of(egress, **more))


def rules(one: AwsCase, name: str) -> set[str]:
    (group,) = (group for group in one.design.groups if group.name == name)
    return {
        f"{r.direction} {r.service} {getattr(r.peer, 'group', getattr(r.peer, 'block', 's3'))}" for r in group.rules
    }


def entries(one: AwsCase, name: str, direction: str) -> list[str]:
    (acl,) = (acl for acl in one.design.acls if acl.name == name)
    found = acl.ingress if direction == "ingress" else acl.egress
    return [f"{e.number} {'allow' if e.allow else 'deny'} {e.service} {e.block}" for e in found]


def test_a_group_names_itself_and_the_groups_at_the_other_end() -> None:
    made = case({"web": "gateway"})
    assert rules(made, "app") == {
        "ingress any app", "egress any app", "ingress tcp/8080 web", "ingress icmp web", "egress any data",
    }  # fmt: skip
    assert rules(made, "data") == {"ingress any data", "egress any data", "ingress any app"}


def test_everything_to_the_internet_is_said_without_a_rule_of_all_protocols() -> None:
    out = {rule for rule in rules(case({"web": "gateway"}), "web") if rule.endswith("0.0.0.0/0")}
    assert out == {"egress icmp 0.0.0.0/0", "egress tcp/0-65535 0.0.0.0/0", "egress udp/0-65535 0.0.0.0/0"}


def test_a_segment_with_endpoints_reaches_them_and_s3_and_nothing_else_abroad() -> None:
    made = case({"web": "endpoints"})
    assert {rule for rule in rules(made, "web") if "web" not in rule and "app" not in rule} == {
        "egress tcp/443 endpoints", "egress tcp/443 s3",
    }  # fmt: skip
    assert rules(made, "endpoints") == {"ingress tcp/443 web"}


def test_an_acl_says_every_flow_there_and_back() -> None:
    made = case({"web": "gateway"}, zones=1)
    # app 10.0.0.0/26, data 10.0.0.64/26, web 10.0.0.128/26
    assert entries(made, "data", "ingress") == ["100 allow any 10.0.0.0/26"]
    assert entries(made, "data", "egress") == [
        "100 allow icmp 10.0.0.0/26", "110 allow tcp/32768-60999 10.0.0.0/26", "120 allow udp/32768-60999 10.0.0.0/26",
    ]  # fmt: skip
    assert entries(made, "web", "egress") == [
        "100 allow icmp 10.0.0.0/26", "110 allow tcp/8080 10.0.0.0/26", "20000 deny any 10.0.0.0/16",
        "20010 allow any 0.0.0.0/0",
    ]  # fmt: skip
    assert entries(made, "web", "ingress") == [
        "100 allow icmp 10.0.0.0/26", "110 allow tcp/32768-60999 10.0.0.0/26", "20000 deny any 10.0.0.0/16",
        "20010 allow icmp 0.0.0.0/0", "20020 allow tcp/32768-60999 0.0.0.0/0", "20030 allow udp/32768-60999 0.0.0.0/0",
    ]  # fmt: skip


def test_across_zones_a_segment_is_free_and_with_one_zone_nothing_is_said() -> None:
    lone = [{"from": "app", "to": "data", "services": "any"}]
    assert entries(case({}, lone), "web", "ingress") == ["100 allow any 10.0.1.0/25"]
    assert entries(case({}, lone, zones=1), "web", "ingress") == []


def test_answers_to_a_nat_gateway_leave_remote_desktops_port_out() -> None:
    assert [str(one) for one in answers([parse_service("tcp/443")], NAT_GATEWAY)] == ["tcp/1024-3388", "tcp/3390-65535"]
    assert [str(one) for one in answers([ICMP, parse_service("udp/53")], LINUX)] == ["icmp", "udp/32768-60999"]
    assert [str(one) for one in answers([EVERYTHING], LINUX)] == ["icmp", "tcp/32768-60999", "udp/32768-60999"]


def test_a_nat_gateways_walls_know_the_segments_behind_it_and_the_internet_alone() -> None:
    made = case({"app": "nat"}, zones=1)
    assert [(t.name, t.zone, t.way.value, t.nat_zone) for t in made.design.tables] == [
        ("app", None, "nat", "ap-northeast-1a"), ("data", None, "none", None), ("nat", None, "gateway", None),
        ("web", None, "none", None),
    ]  # fmt: skip
    assert entries(made, "nat", "ingress")[:2] == ["100 allow any 10.0.0.0/26", "20000 deny any 10.0.0.0/16"]


def test_one_nat_gateway_a_zone_gives_each_zone_a_table() -> None:
    made = case({"app": "nat"}, nat="per_zone")
    tables = [(t.zone, t.nat_zone, len(t.subnets)) for t in made.design.tables if t.name == "app"]
    assert tables == [(zone, zone, 1) for zone in ("ap-northeast-1a", "ap-northeast-1c")]


@pytest.mark.parametrize(
    ("source", "destination"), [("internet", "web"), ("lan", "web"), ("web", "host"), ("web", "moon"), ("app", "lan")]
)
def test_what_no_rule_can_say_is_refused_by_name(source: str, destination: str) -> None:
    made = case({"web": "gateway"})
    policy = compile_policy(made.intent)
    odd = replace(policy, terms=(*policy.terms, Term(source, destination, (EVERYTHING,))))
    with pytest.raises(UnsupportedTermError, match=f"no security group can say `{source}` → `{destination}` on AWS"):
        groups(odd)
    with pytest.raises(UnsupportedTermError, match=f"no network ACL can say `{source}` → `{destination}` on AWS"):
        acls(odd, made.plan, made.aws)


def told(made: AwsCase, **quotas: int) -> list[Problem]:
    return list(excess(made.design, Quotas(**quotas), "Pulumi.aws.yaml"))


def test_the_owners_figures_fit() -> None:
    assert told(case({"web": "gateway", "app": "nat"}, nat="per_zone")) == []


LIMITS = [
    ("group_rules", 4, "6 egress rules of security group `web` (app, internet, web)", "name ranges of ports"),
    ("acl_entries", 6, "13 ingress entries of network ACL `app` (any, icmp, tcp/32768-60999", "AWS's own counts"),
    ("subnets", 7, "8 subnets", "fewer zones"),
    ("acls", 4, "5 network ACLs", "the VPC's own"),
    ("route_tables", 5, "6 route tables", "nat` to one"),
    ("routes", 1, "2 routes of `web`", "egress to none"),
    ("elastic_ips", 1, "2 elastic addresses, for NAT in ap-northeast-1a, ap-northeast-1c", "nat` to one"),
]


@pytest.mark.parametrize(("quota", "limit", "what", "words"), LIMITS, ids=[row[0] for row in LIMITS])
def test_what_exceeds_a_quota_is_told_with_count_limit_name_and_way_out(
    quota: str, limit: int, what: str, words: str
) -> None:
    made = case({"web": "gateway", "app": "nat"}, nat="per_zone")
    problems = told(made, **{quota: limit})
    assert {problem.path for problem in problems} == {f"quotas.{quota}"}
    (problem,) = (problem for problem in problems if problem.what.startswith(what))
    assert problem.rule == f"the account has room for {limit}"
    assert words in str(problem)
    assert f"have AWS raise the quota, and say so in `twin-vpc:quotas.{quota}`" in problem.way_out
    enough = max(int(problem.what.split()[0]) for problem in problems)
    assert told(made, **{quota: enough}) == []


def test_awss_own_last_entry_counts() -> None:
    ports = [f"tcp/{port}" for port in range(1000, 1190, 10)]
    full = case({}, [{"from": "web", "to": "app", "services": ports}], zones=1)
    assert len(ports) == 19
    assert told(full) == []
    over = case({}, [{"from": "web", "to": "app", "services": [*ports, "udp/53"]}], zones=1)
    assert {problem.what.split(" (")[0] for problem in told(over)} == {
        "21 ingress entries of network ACL `app`", "21 egress entries of network ACL `web`",
    }  # fmt: skip


def test_each_direction_of_a_group_has_room_of_its_own() -> None:
    ports = [f"tcp/{port}" for port in range(1000, 1590, 10)]
    flows = [{"from": "web", "to": "app", "services": ports}, {"from": "app", "to": "web", "services": ports}]
    made = case({}, flows, zones=1)
    assert {len(group.rules) for group in made.design.groups} == {2 + 2 * 59, 2}
    assert [problem for problem in told(made, acl_entries=40) if "security group" in problem.what] == []
