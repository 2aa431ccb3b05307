"""A flow that is taken away cuts its live connections with the load that takes it away; all others go on."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from sandbox.probe.lab import Lab
from sandbox.probe.live import Live
from sandbox.probe.stands import End
from tests.policy.networks import OWNER, Case
from twinvpc.model.services import Protocol
from twinvpc.policy.routing import rules, rules6

pytestmark = pytest.mark.root

GRANTED = [
    {"from": "lan", "to": "public", "services": "tcp/443"},
    {"from": "docker0", "to": "private", "services": ["tcp/8000-8999", "udp/53"]},
    {"from": "private", "to": "lan", "services": "any"},
]
FULL = Case({**OWNER.network, "flows": [*OWNER.network["flows"], *GRANTED]}, OWNER.stack)
ENDS = {
    "public → database tcp": ("public", "database", Protocol.TCP, 5432),
    "public → database udp": ("public", "database", Protocol.UDP, 5432),
    "management → database tcp": ("management", "database", Protocol.TCP, 5432),
    "management → database udp": ("management", "database", Protocol.UDP, 5433),
    "lan → public tcp": ("lan", "public", Protocol.TCP, 443),
    "docker0 → private tcp": ("docker0", "private", Protocol.TCP, 8080),
    "docker0 → private udp": ("docker0", "private", Protocol.UDP, 53),
    "private → lan tcp": ("private", "lan", Protocol.TCP, 445),
    "database → internet tcp": ("database", "internet", Protocol.TCP, 443),
    "container → internet udp": ("container", "internet", Protocol.UDP, 443),
    "container → container tcp": ("container", "container", Protocol.TCP, 80),
    "management → host tcp": ("management", "host", Protocol.TCP, 2200),
    "lan → host tcp": ("lan", "host", Protocol.TCP, 2200),
    "docker0 → lan tcp": ("docker0", "lan", Protocol.TCP, 80),
    "host → database tcp": ("host", "database", Protocol.TCP, 5555),
}
"""One live connection of every kind; the last three are the host's and strangers' own."""


def changed(**more: object) -> Case:
    return Case({**FULL.network, **more}, FULL.stack)


def without(source: str, destination: str) -> Case:
    """The network without one flow, whatever list it stands in."""
    flows: list[dict[str, object]] = []
    for flow in FULL.network["flows"]:
        ends = flow["to"] if isinstance(flow["to"], list) else [flow["to"]]
        kept = [end for end in ends if (flow["from"], end) != (source, destination)]
        flows += [{**flow, "to": kept}] if kept else []
    return changed(flows=flows)


def offline(name: str) -> Case:
    segments = FULL.network["segments"]
    return changed(segments={**segments, name: {**segments[name], "internet": False}})


CHANGES = {
    "a flow between segments": (without("public", "database"), {"public → database tcp", "public → database udp"}),
    "a flow from the LAN": (without("lan", "public"), {"lan → public tcp"}),
    "a flow from containers": (without("docker0", "private"), {"docker0 → private tcp", "docker0 → private udp"}),
    "a flow to the LAN": (without("private", "lan"), {"private → lan tcp"}),
    "a flow to the host": (without("management", "host"), {"management → host tcp"}),
    "the Internet": (offline("database"), {"database → internet tcp"}),
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.create(FULL.plan.segments) as made:
        yield made


def load(lab: Lab, case: Case, ruleset: str = "") -> None:
    lab.load(ruleset or case.ruleset, rules(case.policy, case.plan), rules6(case.plan))


@pytest.fixture
def live(lab: Lab) -> Iterator[Mapping[str, Live]]:
    load(lab, FULL)
    with ExitStack() as opened:
        yield {name: opened.enter_context(connect(lab, *ends)) for name, ends in ENDS.items()}


def connect(lab: Lab, source: str, destination: str, protocol: Protocol, port: int) -> Live:
    stand = lab.stands[source]
    return Live(End(stand.netns, stand.address), lab.stands[destination].answers(source), protocol, port)


@pytest.mark.parametrize("change", CHANGES)
def test_exactly_the_connections_of_the_removed_flow_are_cut_both_ways(
    lab: Lab, live: Mapping[str, Live], change: str
) -> None:
    case, wanted = CHANGES[change]
    assert [name for name in live if not live[name].works] == []
    load(lab, case)
    assert {name for name in wanted if live[name].cut} == wanted
    assert [name for name in live.keys() - wanted if not live[name].works] == [], "all others go on"


def test_who_is_cut_inside_is_told_at_once(lab: Lab, live: Mapping[str, Live]) -> None:
    """A program that is not told would wait for its own time-outs, some for a quarter of an hour."""
    case, _ = CHANGES["a flow between segments"]
    load(lab, case)
    assert live["public → database tcp"].cut
    assert live["public → database tcp"].reset


def test_a_load_of_the_same_policy_cuts_nothing(lab: Lab, live: Mapping[str, Live]) -> None:
    for _ in range(3):
        load(lab, FULL)
    assert [name for name in live if not live[name].works] == []


def test_rules_that_trust_live_connections_would_leave_the_removed_flow_open(
    lab: Lab, live: Mapping[str, Live]
) -> None:
    """The negative control: what every stateful example begins with, and what cuts nothing."""
    case, wanted = CHANGES["a flow between segments"]
    trusting = case.ruleset
    for chain, verdict in (("leave", "left"), ("enter", "entered")):
        trusting = trusting.replace(
            f"    chain {chain} {{\n", f"    chain {chain} {{\n        ct state established goto {verdict}\n"
        )
    assert trusting != case.ruleset
    load(lab, case, trusting)
    assert {name for name in wanted if live[name].works} == wanted


def test_an_answer_is_one_by_what_is_tracked_and_not_by_its_ports(lab: Lab) -> None:
    load(lab, FULL)
    database, public = lab.stands["database"], lab.stands["public"]
    with pytest.raises(TimeoutError):
        Live(database.answers("public"), End(public.netns, public.address), Protocol.UDP, 5432)
