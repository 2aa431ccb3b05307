"""The policy as network ACLs: the second wall, stateless, so that every flow is said twice, there and back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from twinvpc.addressing.plan import AwsPlan, SubnetPlan
from twinvpc.model.aws import ENDPOINTS, NAT, AwsStack, Egress
from twinvpc.model.nodes import Node
from twinvpc.model.services import EVERYTHING, ICMP, Protocol, Service
from twinvpc.policy.aws_blocks import joined
from twinvpc.policy.aws_groups import ANYWHERE, Direction
from twinvpc.policy.terms import HTTPS, Policy, Term, UnsupportedTermError, merge

Spans = tuple[tuple[int, int], ...]

LINUX: Spans = ((32768, 60999),)
"""Ports from which Linux opens connections (ip-sysctl, ip_local_port_range); every guest is Linux."""
NAT_GATEWAY: Spans = ((1024, 3388), (3390, 65535))
"""Ports from which a NAT gateway opens them (Amazon VPC user guide, network ACLs), but for Remote Desktop's: scanners
take an entry that holds it for an open desktop."""

_FIRST, _STEP = 100, 10
_WALL = 20000
"""Number of the entry behind which only the Internet is left. Fixed, and far behind the others: an entry that changes
its number is gone for a moment, and this one must not be."""


@dataclass(frozen=True)
class Entry:
    """One entry of a network ACL; the first that fits decides, and what none fits is denied.

    Attributes:
        number: its place.
        service: what it fits, by the packet's destination port.
        block: addresses at the other end: where it comes from (ingress), or goes to (egress).
        allow: whether it allows or denies.
    """

    number: int
    service: Service
    block: IPv4Network
    allow: bool = True


@dataclass(frozen=True)
class Acl:
    """One network ACL, with the subnets that it stands around.

    Attributes:
        name: the segment, `nat` or `endpoints`.
        subnets: its subnets.
        ingress: entries for packets that come in, by number.
        egress: entries for packets that go out, by number.
    """

    name: str
    subnets: tuple[SubnetPlan, ...]
    ingress: tuple[Entry, ...]
    egress: tuple[Entry, ...]

    def of(self, direction: Direction) -> tuple[Entry, ...]:
        """Entries of one direction: AWS counts them apart."""
        return self.ingress if direction is Direction.INGRESS else self.egress


Wanted = Mapping[str, tuple[Service, ...]]
"""What may pass, by the name at the other end: a segment, `nat`, `endpoints`, or the Internet."""
Blocks = Mapping[str, tuple[IPv4Network, ...]]
"""Blocks of all subnets, by the name of the segment, or `nat` or `endpoints`."""


def acls(policy: Policy, plan: AwsPlan, stack: AwsStack) -> tuple[Acl, ...]:
    """An ACL around each segment's subnets, sorted, and around those of NAT gateways and endpoints.

    Raises:
        UnsupportedTermError: a term that no entry says.
    """
    legs = _Legs()
    for term in policy.terms:
        _say(term, policy, stack, legs)
    every = (*plan.subnets, *plan.infrastructure)
    blocks = {name: tuple(one.cidr for one in plan.of(name)) for name in sorted({one.segment for one in every})}
    return tuple(
        Acl(
            name,
            plan.of(name),
            _entries(name, legs.of(name, Direction.INGRESS), blocks, plan, stack),
            _entries(name, legs.of(name, Direction.EGRESS), blocks, plan, stack),
        )
        for name in blocks
    )


class _Legs:
    """What has to pass each wall, gathered term by term."""

    def __init__(self) -> None:
        self._found: defaultdict[tuple[str, Direction], defaultdict[str, set[Service]]]
        self._found = defaultdict(lambda: defaultdict(set))

    def add(self, opener: str, opened: str, services: Iterable[Service], spans: Spans = LINUX) -> None:
        """A flow and its answers, at the walls of both ends; the Internet has none of ours."""
        there, back = set(services), set(answers(services, spans))
        self._found[opener, Direction.EGRESS][opened] |= there
        self._found[opener, Direction.INGRESS][opened] |= back
        self._found[opened, Direction.INGRESS][opener] |= there
        self._found[opened, Direction.EGRESS][opener] |= back

    def relay(self, opener: str, through: str, services: Iterable[Service]) -> None:
        """A flow to the Internet by way of a NAT gateway: at its own walls it comes from the opener, and is answered.

        At the opener's walls such a packet has the Internet's address, not the gateway's.
        """
        self._found[through, Direction.INGRESS][opener] |= set(services)
        self._found[through, Direction.EGRESS][opener] |= set(answers(services, LINUX))

    def of(self, name: str, direction: Direction) -> Wanted:
        """What has to pass one wall in one direction."""
        return {peer: merge(services) for peer, services in self._found[name, direction].items()}


def _say(term: Term, policy: Policy, stack: AwsStack, legs: _Legs) -> None:
    source, destination = term.source, term.destination
    inner = source in policy.segments and destination in (*policy.segments, Node.INTERNET, Node.AWS_SERVICES)
    if not inner:
        raise UnsupportedTermError(f"no network ACL can say `{source}` → `{destination}` on AWS")
    if destination == Node.AWS_SERVICES:
        legs.add(source, ENDPOINTS, term.services)
        # Layers of images lie in S3, and its gateway endpoint is a route to S3's public addresses. An ACL cannot name
        # AWS's list of them: what keeps the rest of the Internet out is the route and the group (ADR 50).
        legs.add(source, Node.INTERNET, (HTTPS,))
        return
    legs.add(source, destination, term.services)
    if destination == Node.INTERNET and stack.egress_of(source) is Egress.NAT:
        legs.relay(source, NAT, term.services)
        legs.add(NAT, Node.INTERNET, term.services, NAT_GATEWAY)


def answers(services: Iterable[Service], spans: Spans) -> tuple[Service, ...]:
    """What comes back of these services, as a stateless wall sees it.

    Args:
        services: what was opened.
        spans: ports from which the opener opens.
    """
    back: set[Service] = set()
    for service in services:
        either = (Protocol.TCP, Protocol.UDP) if service == EVERYTHING else (service.protocol,)
        back.update(Service(one, *span) for one in either if one is not Protocol.ICMP for span in spans)
        if service in {EVERYTHING, ICMP}:
            back.add(ICMP)
    return merge(back)


def _entries(name: str, wanted: Wanted, blocks: Blocks, plan: AwsPlan, stack: AwsStack) -> tuple[Entry, ...]:
    """One direction of one ACL: own subnets, the others, the wall, and the Internet behind it."""
    inner = {peer: services for peer, services in wanted.items() if peer != Node.INTERNET}
    own = {name: (EVERYTHING,)} if len(blocks[name]) > 1 and name not in {NAT, ENDPOINTS} else {}
    pairs = _pairs(name, inner | own, blocks, plan.removed, stack.vpc_cidr)
    found = [Entry(_FIRST + _STEP * n, service, block) for n, (service, block) in enumerate(pairs)]
    outer = wanted.get(Node.INTERNET, ())
    if outer:
        found.append(Entry(_WALL, EVERYTHING, stack.vpc_cidr, allow=False))
    return (*found, *(Entry(_WALL + _STEP * n, service, ANYWHERE) for n, service in enumerate(outer, 1)))


def _pairs(
    name: str, inner: Wanted, blocks: Blocks, removed: tuple[IPv4Network, ...], within: IPv4Network
) -> Iterator[tuple[Service, IPv4Network]]:
    """Services with the fewest blocks that hold the subnets of all who need them."""
    for service in sorted({service for services in inner.values() for service in services}):
        needing = {peer for peer, services in inner.items() if service in services}
        # Who may send that anyway, and the own subnets, which no packet of their own passes by, may be taken in.
        free = {peer for peer, services in inner.items() if any(_holds(one, service) for one in services)} | {name}
        others = (block for other, some in blocks.items() if other not in free for block in some)
        for block in joined((one for peer in needing for one in blocks[peer]), (*others, *removed), within):
            yield service, block


def _holds(wider: Service, service: Service) -> bool:
    if wider == EVERYTHING:
        return True
    return wider.protocol is service.protocol and wider.first <= service.first and service.last <= wider.last
