"""Why a cell is as it is: what an open one stands on, what keeps a closed one closed, and what would open it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from twinvpc.model.services import EVERYTHING, ICMP, Protocol, Service
from twinvpc.proof.aws.errors import GraphError
from twinvpc.proof.aws.evaluate import answers, passes, seated
from twinvpc.proof.aws.fixes import Way
from twinvpc.proof.aws.graph import AwsGraph, Entry
from twinvpc.proof.aws.openings import openings
from twinvpc.proof.aws.paths import Check, Layer, Leg, path
from twinvpc.proof.aws.places import Place
from twinvpc.proof.aws.ports import CONCRETE, NOTHING, Ports, covers, span, without
from twinvpc.proof.aws.reasons import Reason, reasons, wanted
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import Cell


@dataclass(frozen=True, order=True)
class Ground:
    """Something that an open cell stands on.

    Attributes:
        component: kind and name of the part.
        rule: the rule, entry or route.
        answer: whether it carries the answers, not the opening.
    """

    component: str
    rule: str
    answer: bool

    def __str__(self) -> str:
        """`network ACL public: egress 100 allow tcp/443 10.0.4.0/24`, answers marked."""
        return f"{self.component}: {self.rule}" + (" (answer)" if self.answer else "")


@dataclass(frozen=True)
class Explanation:
    """One service in one cell.

    Attributes:
        source: node that opens.
        destination: node that is opened to.
        service: what is opened.
        open: whether it is open from each subnet to each.
        partly: whether it is open somewhere, but not everywhere.
        grounds: what it stands on where it is open, in the order in which packets meet it.
        reasons: what stops it where it is closed, likewise.
        ways: every smallest set of changes that opens it, the smallest first; none if no change of rules can.
    """

    source: str
    destination: str
    service: Service
    open: bool
    partly: bool
    grounds: tuple[Ground, ...]
    reasons: tuple[Reason, ...]
    ways: tuple[Way, ...]


def services_of(cell: Cell) -> tuple[Service, ...]:
    """What to explain of a cell if nobody names a service: each that it permits, or everything if there is none."""
    if cell.everything:
        return (EVERYTHING,)
    tcp = tuple(Service(Protocol.TCP, *one) for one in cell.tcp)
    udp = tuple(Service(Protocol.UDP, *one) for one in cell.udp)
    return ((ICMP,) if cell.icmp else ()) + tcp + udp or (EVERYTHING,)


def explain(graph: AwsGraph, places: Sequence[Place], ends: tuple[str, str], service: Service) -> Explanation:
    """Explain one service in one cell.

    Args:
        graph: the VPC.
        places: the segments.
        ends: who opens, and who is opened to; nodes of the matrix.
        service: what is opened.

    Raises:
        GraphError: the VPC has no such node.
    """
    wiring = Wiring(graph)
    seats = seated(wiring, places)
    for node in ends:
        if node not in seats:
            raise GraphError(
                f"{node} is no node of this VPC", rule=f"nodes are {', '.join(seats)}", way_out="name one of them"
            )
    needs = wanted(service)
    paths = [path(wiring, one, other) for one, other in product(seats[ends[0]], seats[ends[1]])]
    opened = [_open(checks, needs) for checks in paths]
    grounds = [
        one for checks, is_open in zip(paths, opened, strict=True) if is_open for one in _grounds(wiring, checks, needs)
    ]
    stopped = [one for checks in paths for one in reasons(wiring, checks, service)]
    some = any(not _none(checks, needs) for checks in paths)
    return Explanation(
        *ends, service, open=all(opened), partly=some and not all(opened),
        grounds=tuple(dict.fromkeys(grounds)),
        reasons=tuple(dict.fromkeys(stopped)),
        ways=() if all(opened) else openings(graph, places, ends, service),
    )  # fmt: skip


def _open(checks: Sequence[Check], needs: Ports) -> bool:
    always = passes(checks).always
    return all(covers(always.of(one), needs.of(one)) for one in CONCRETE)


def _none(checks: Sequence[Check], needs: Ports) -> bool:
    return passes(checks).sometimes & needs == NOTHING


def _grounds(wiring: Wiring, checks: Sequence[Check], needs: Ports) -> Iterator[Ground]:
    for check in checks:
        answer = check.leg is not Leg.FORWARD
        if check.layer is Layer.GROUPS:
            yield from _of_groups(wiring, check, needs)
        elif check.layer is Layer.ACLS:
            ports = answers(needs, check.leg)
            acl = next(one for one in wiring.graph.acls if one.key == check.keys[0])
            entries = wiring.judges.acl(acl).entries(check.peer.address, egress=check.egress)
            yield from (Ground(f"network ACL {acl.key}", str(one), answer) for one in _deciding(entries, ports))
        elif not check.code:
            yield from _of_routes(wiring, check, answer=answer)


def _of_groups(wiring: Wiring, check: Check, needs: Ports) -> Iterator[Ground]:
    peer = check.peer
    listed = "" if peer.subnet else peer.service
    for key in check.keys:
        judge = wiring.judges.group(wiring.groups[key])
        for rule in judge.rules(peer.address, peer.groups, listed, egress=check.egress):
            if span(rule.protocol, rule.first, rule.last) & needs != NOTHING:
                yield Ground(f"security group {key}", str(rule), answer=False)


def _of_routes(wiring: Wiring, check: Check, *, answer: bool) -> Iterator[Ground]:
    tables = {one.key: one for one in wiring.graph.tables}
    if check.keys[0] not in tables:
        yield Ground(f"NAT gateway {check.keys[0]}", "public address", answer)
        return
    table = tables[check.keys[0]]
    if check.peer.endpoint and not check.peer.subnet:
        yield Ground(
            f"route table {table.key}", f"prefix list {check.peer.service} → endpoint {check.peer.endpoint}", answer
        )
        return
    local, route = wiring.judges.table(table, wiring.graph.cidrs).leads(check.peer.address)
    yield Ground(f"route table {table.key}", "local" if local else str(route), answer)


def _deciding(entries: Sequence[Entry], needs: Ports) -> Iterator[Entry]:
    """Entries that allow some part of what is needed, in the order in which they are tried."""
    left = needs
    for entry in entries:
        matched = span(entry.protocol, entry.first, entry.last)
        if entry.allow and matched & left != NOTHING:
            yield entry
        left = Ports(*(without(left.of(one), matched.of(one)) for one in CONCRETE))
