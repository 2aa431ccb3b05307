"""On random small VPCs the evaluator says what walking single packets says."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from tests.proof.aws.simulator import PORTS, TYPES, Simulator
from tests.proof.aws.vpcs import ANY, ICMP, TCP, UDP, block, entry
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.graph import (
    Acl,
    AwsGraph,
    Entry,
    Group,
    GroupRule,
    InternetGateway,
    NatGateway,
    PeerKind,
    Route,
    RouteTable,
    RulePeer,
    Subnet,
    Target,
    TargetKind,
    whole,
)  # fmt: skip
from twinvpc.proof.aws.places import Place
from twinvpc.proof.aws.wiring import Wiring

VPC = block("10.0.0.0/24")
SUBNETS = (
    Subnet("a-1", "1", block("10.0.0.0/31")), Subnet("a-2", "2", block("10.0.0.2/31")),
    Subnet("b-1", "1", block("10.0.0.4/30")), Subnet("n", "1", block("10.0.0.16/31")),
)  # fmt: skip
PLACES = (Place("a", ("a-1", "a-2"), ("a",)), Place("b", ("b-1",), ("b",)))
HOMES = {"a-1": "a", "a-2": "a", "b-1": "b"}
BLOCKS = tuple(
    block(text)
    for text in (
        "0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/24", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.4/30",
        "10.0.0.4/31", "10.0.0.16/31", "8.8.8.0/25", "203.0.113.0/24",
    )
)  # fmt: skip
OPEN = tuple(entry(99, egress=egress) for egress in (False, True))
# Every range begins with a port that is tried and ends before the next one begins, so that no port is left untried.
STARTS = tuple(PORTS)
ENDS = (*(port - 1 for port in PORTS[1:]), 65535)


@st.composite
def spans(draw: st.DrawFn) -> tuple:
    protocol = draw(st.sampled_from((ANY, ANY, TCP, TCP, UDP, ICMP)))
    if protocol is ANY:
        return (protocol, *whole(ANY))
    if protocol is ICMP:
        kind = draw(st.sampled_from(TYPES))
        return draw(st.sampled_from(((ICMP, 0, 255), (ICMP, kind, kind))))
    first = draw(st.integers(0, len(STARTS) - 1))
    return protocol, STARTS[first], ENDS[draw(st.integers(first, len(ENDS) - 1))]


@st.composite
def entries(draw: st.DrawFn) -> tuple[Entry, ...]:
    numbers = draw(st.lists(st.integers(1, 50), max_size=7, unique=True))
    found = [
        Entry(
            draw(st.booleans()),
            number,
            draw(st.sampled_from((True, True, True, False))),
            *draw(spans()),
            draw(st.sampled_from(BLOCKS)),
        )
        for number in numbers
    ]
    if draw(st.booleans()):  # mostly something passes, or nothing would be compared
        found += OPEN
    return tuple(sorted(found))


@st.composite
def rules(draw: st.DrawFn) -> tuple[GroupRule, ...]:
    peers = [
        RulePeer(PeerKind.GROUP, "a"),
        RulePeer(PeerKind.GROUP, "b"),
        *(RulePeer(PeerKind.CIDR, str(one)) for one in BLOCKS),
    ]
    found = {
        GroupRule(draw(st.booleans()), *draw(spans()), draw(st.sampled_from(peers)))
        for _ in range(draw(st.integers(0, 5)))
    }
    if draw(st.booleans()):
        found |= {GroupRule(egress, ANY, *whole(ANY), RulePeer(PeerKind.CIDR, "0.0.0.0/0")) for egress in (False, True)}
    return tuple(sorted(found))


@st.composite
def routes(draw: st.DrawFn) -> tuple[Route, ...]:
    targets = (
        Target(TargetKind.INTERNET, "igw"), Target(TargetKind.NAT, "nat"), Target(TargetKind.NOWHERE),
        Target(TargetKind.INTERNET, "lost"),
    )  # fmt: skip
    where = draw(
        st.lists(st.sampled_from(("0.0.0.0/0", "8.8.8.0/25", "203.0.113.0/24", "10.0.0.4/30")), unique=True, max_size=3)
    )
    return tuple(sorted(Route(block(one), draw(st.sampled_from(targets[: draw(st.integers(1, 4))]))) for one in where))


@st.composite
def graphs(draw: st.DrawFn) -> AwsGraph:
    def associated() -> dict[str, tuple[str, ...]]:
        left = {one.key: draw(st.sampled_from(("x", "y", "x", "y", ""))) for one in SUBNETS}
        return {name: tuple(key for key, own in left.items() if own == name) for name in "xy"}

    tables, acls = associated(), associated()
    routed = [RouteTable(name, routes=draw(routes()), subnets=tables[name]) for name in "xy"]
    listed = [Acl(name, entries=draw(entries()), subnets=acls[name]) for name in "xy"]
    return AwsGraph(
        (VPC,),
        SUBNETS,
        (*routed, RouteTable("main", main=True, routes=draw(routes()))),
        (*listed, Acl("default", default=True, entries=draw(entries()))),
        (Group("a", draw(rules())), Group("b", draw(rules()))),
        (InternetGateway("igw"),),
        (NatGateway("nat", draw(st.sampled_from(("n", "a-1"))), draw(st.sampled_from((True, True, False)))),),
    )


def disagreements(graph: AwsGraph, judged: AwsGraph | None = None) -> list[str]:
    """Where walking packets through one graph and evaluating another say different things."""
    slow, fast = Simulator(graph, HOMES), evaluate(Wiring(judged or graph), PLACES)
    found: list[str] = []
    for source in ("a", "b", "internet"):
        for destination in ("a", "b", "internet"):
            if source == destination == "internet":
                continue
            one = fast.of(source, destination)
            for protocol, tried in ((TCP, PORTS), (UDP, PORTS), (ICMP, TYPES)):
                for port in tried:
                    said = tuple(
                        any(f <= port <= last for f, last in p.of(protocol)) for p in (one.always, one.sometimes)
                    )
                    if said != (walked := slow.opens(source, destination, protocol, port)):
                        found.append(f"{source} → {destination} {protocol}/{port}: evaluated {said}, walked {walked}")
    return found


@tries(60)
@given(graphs())
def test_evaluating_is_walking_every_packet(graph: AwsGraph) -> None:
    assert not disagreements(graph)


EVERYBODY = tuple(GroupRule(egress, ANY, 0, 65535, RulePeer(PeerKind.CIDR, "0.0.0.0/0")) for egress in (False, True))
BY_NAT, BY_GATEWAY = Target(TargetKind.NAT, "nat"), Target(TargetKind.INTERNET, "igw")
PLAIN = AwsGraph(
    (VPC,),
    SUBNETS,
    (
        RouteTable("main", main=True),
        RouteTable("x", routes=(Route(BLOCKS[0], BY_NAT),), subnets=("a-1", "a-2")),
        RouteTable("y", routes=(Route(BLOCKS[0], BY_GATEWAY),), subnets=("b-1", "n")),
    ),
    (Acl("default", default=True, entries=OPEN),),
    (Group("a", EVERYBODY), Group("b", EVERYBODY)),
    (InternetGateway("igw"),),
    (NatGateway("nat", "n"),),
)


def test_the_second_opinion_differs_where_the_graphs_do() -> None:
    """Otherwise agreeing would mean nothing."""
    assert not disagreements(PLAIN)
    narrower = Acl("default", default=True, entries=(OPEN[0], replace(OPEN[1], first=2, protocol=TCP)))
    assert disagreements(PLAIN, replace(PLAIN, acls=(narrower,)))
    assert disagreements(PLAIN, replace(PLAIN, nats=(NatGateway("nat", "n", working=False),)))
    assert disagreements(PLAIN, replace(PLAIN, groups=(Group("a", EVERYBODY[1:]), Group("b", EVERYBODY))))
