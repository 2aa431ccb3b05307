"""What must hold of the rules however they are rendered."""

from cProfile import Profile
from ipaddress import IPv4Network

import pytest
from hypothesis import given

from tests.effort import tries
from tests.policy.networks import CHANGED, OWNER, PORTS, Case, cases, meshed
from twinvpc.model.services import EVERYTHING, ICMP, Protocol, Service
from twinvpc.policy.nftables import NOT_PUBLIC, render
from twinvpc.policy.nftables_chains import MARK
from twinvpc.policy.routing import SIGNED, rules, rules6
from twinvpc.policy.terms import Policy, Term, UnsupportedTermError, compile_policy, merge
from twinvpc.proof.intent import matrix

TAILSCALE_MASK = 0xFF0000
WEB = Service(Protocol.TCP, 443, 443)


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("internet", "web"), ("web", "tailnet"), ("web", "gateway"), ("gateway", "web"), ("lan", "docker0"),
        ("host", "web"), ("web", "nobody"), ("nobody", "web"), ("tailnet", "web"), ("lan", "host"),
        ("docker0", "internet"),
    ],
)  # fmt: skip
def test_a_permission_that_no_rule_can_say_is_refused_with_both_nodes(source: str, destination: str) -> None:
    """Refused, never dropped: a policy that lost a term on the way would prove nothing."""
    policy = Policy(PORTS.policy.segments, (*PORTS.policy.terms, Term(source, destination, (WEB,))))
    with pytest.raises(UnsupportedTermError, match=f"`{source}` → `{destination}`"):
        render(policy, PORTS.target)


def test_every_service_of_the_host_is_refused() -> None:
    policy = Policy(PORTS.policy.segments, (Term("admin", "host", (EVERYTHING,)),))
    with pytest.raises(UnsupportedTermError, match="`admin` → `host` with every service"):
        render(policy, PORTS.target)


@tries(60)
@given(cases())
def test_whatever_the_model_accepts_can_be_rendered(case: Case) -> None:
    assert case.ruleset.endswith("}\n")


@pytest.mark.parametrize("case", [OWNER, PORTS, CHANGED], ids=["owner", "ports", "changed"])
def test_routing_permits_first_and_prohibits_every_bridge_and_block_last(case: Case) -> None:
    found = rules(case.policy, case.plan)
    prohibited = [rule for rule in found if rule.endswith("prohibit")]
    assert found[-len(prohibited) :] == tuple(prohibited)
    bridges = {s.bridge for s in case.plan.segments} | {old.bridge for old in case.plan.retired}
    blocks = {s.cidr for s in case.plan.segments} | {old.cidr for old in case.plan.retired if old.cidr}
    assert {rule for rule in prohibited if rule.startswith("iif")} == {f"iif {bridge} prohibit" for bridge in bridges}
    written = [IPv4Network(rule.split()[1]) for rule in prohibited if rule.startswith("to")]
    assert {part for block in written for part in block.subnets(new_prefix=24)} == blocks, "all of them and no more"
    assert set(rules6(case.plan)) == {f"iif {b} prohibit" for b in bridges}


@pytest.mark.parametrize("case", [OWNER, PORTS, CHANGED], ids=["owner", "ports", "changed"])
def test_only_the_host_itself_passes_unsigned(case: Case) -> None:
    permitting = [rule for rule in rules(case.policy, case.plan) if not rule.endswith("prohibit")]
    assert all(f"fwmark {SIGNED}" in rule or " iif lo " in rule for rule in permitting)


def test_a_removed_segment_is_only_ever_prohibited() -> None:
    gone = [rule for rule in rules(CHANGED.policy, CHANGED.plan) if "br-cache" in rule or "10.0.30.0/24" in rule]
    assert gone == ["to 10.0.30.0/24 iif lo lookup main", "to 10.0.30.0/24 prohibit", "iif br-cache prohibit"]
    assert [rule for rule in rules(CHANGED.policy, CHANGED.plan) if "br-old" in rule] == ["iif br-old prohibit"]


def test_preferences_are_left_to_the_loader() -> None:
    assert not any("pref" in rule or "priority" in rule for rule in rules(CHANGED.policy, CHANGED.plan))


def test_tailscales_table_is_asked_only_where_its_peers_may_enter() -> None:
    assert not [rule for rule in rules(PORTS.policy, PORTS.plan) if "lookup 52" in rule]
    asked = [rule for rule in rules(CHANGED.policy, CHANGED.plan) if "lookup 52" in rule]
    assert asked == [f"from 10.0.20.0/22 to 100.64.0.0/10 fwmark {SIGNED} lookup 52"]


def test_the_sign_is_one_bit_outside_tailscales_mask() -> None:
    assert MARK & TAILSCALE_MASK == 0
    assert MARK.bit_count() == 1
    assert f"{MARK:#x}/{MARK:#x}" == SIGNED


def test_the_internet_is_neither_private_nor_shared_nor_local() -> None:
    closed = [IPv4Network(block) for block in NOT_PUBLIC]
    for block in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "127.0.0.0/8",
    ):
        assert any(IPv4Network(block).subnet_of(one) for one in closed), block
    for public in ("1.1.1.1/32", "100.63.255.255/32", "172.32.0.1/32", "203.0.113.10/32", "223.255.255.255/32"):
        assert not any(IPv4Network(public).overlaps(one) for one in closed), public


def test_flows_of_nodes_that_a_stack_lacks_are_left_out_there() -> None:
    """On AWS there is no LAN to open to; on a host without Tailscale nobody comes from there."""
    flow = {"from": "tailnet", "to": "web", "services": "tcp/443"}
    case = Case({**PORTS.network, "flows": [flow]}, PORTS.stack)
    assert not [term for term in compile_policy(case.intent).terms if term.source == "tailnet"]


@pytest.mark.parametrize(
    ("given_services", "merged"),
    [
        ([], []),
        ([EVERYTHING, WEB], [EVERYTHING]),
        ([ICMP, ICMP], [ICMP]),
        ([Service(Protocol.TCP, 1, 5), Service(Protocol.TCP, 6, 9)], [Service(Protocol.TCP, 1, 9)]),
        ([Service(Protocol.TCP, 1, 9), Service(Protocol.TCP, 2, 3)], [Service(Protocol.TCP, 1, 9)]),
        ([Service(Protocol.TCP, 1, 5), Service(Protocol.UDP, 6, 9)],) * 2,
        ([Service(Protocol.TCP, 1, 5), Service(Protocol.TCP, 7, 9)],) * 2,
    ],
)
def test_services_are_merged_without_overlap(given_services: list[Service], merged: list[Service]) -> None:
    assert merge(given_services) == tuple(merged) == merge(reversed(given_services))


def test_work_grows_with_the_permissions_and_not_with_their_square() -> None:
    """Counted, not timed: four times the permissions take four times the elements, and about as many calls."""
    small, large = (meshed(number, reach=10) for number in (50, 200))
    assert len(large.policy.terms) == pytest.approx(4 * len(small.policy.terms), rel=0.01)
    assert calls(large) < 5 * calls(small)


def calls(case: Case) -> int:
    """Function calls that policy, rendering and intent matrix take, plans and files left out."""
    _ = case.plan
    profile = Profile()
    profile.runcall(lambda: (compile_policy(case.intent), case.ruleset, matrix(case.intent)))
    return sum(entry.callcount for entry in profile.getstats())
