"""Made-up VPCs of any size, as graphs. They follow the rules of docs/adr/0054, but are made by nobody's renderer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.load import Intent
from twinvpc.model.resolve import resolve
from twinvpc.model.services import EVERYTHING, ICMP, Protocol, Service
from twinvpc.proof.aws.by_aws import DEFAULT, MAIN
from twinvpc.proof.aws.graph import (
    ANYWHERE,
    Acl,
    AwsGraph,
    Entry,
    Group,
    GroupRule,
    InternetGateway,
    PeerKind,
    Route,
    RouteTable,
    RulePeer,
    Subnet,
    Target,
    TargetKind,
    whole,
)
from twinvpc.proof.aws.places import Place

Flow = tuple[str, str, Service]
"""Who may open what to whom."""

_GATEWAY = "igw"
_EPHEMERAL = (Service(Protocol.TCP, 32768, 60999), Service(Protocol.UDP, 32768, 60999))
_STEP = 10


@dataclass(frozen=True)
class Shape:
    """A VPC to be made.

    Attributes:
        cidr: its block.
        blocks: of each segment, one a zone.
        flows: who may open what to whom.
        outside: segments with a route to the Internet gateway, and what they may open there.
    """

    cidr: IPv4Network
    blocks: Mapping[str, tuple[IPv4Network, ...]]
    flows: tuple[Flow, ...] = ()
    outside: Mapping[str, tuple[Service, ...]] = field(default_factory=dict[str, tuple[Service, ...]])

    @property
    def places(self) -> tuple[Place, ...]:
        """Where its segments stand in the graph."""
        return tuple(
            Place(name, tuple(self._subnet(name, i) for i in range(len(own))), (name,))
            for name, own in self.blocks.items()
        )

    @property
    def graph(self) -> AwsGraph:
        """The VPC."""
        subnets = [
            Subnet(self._subnet(name, i), f"zone-{i}", block)
            for name, own in self.blocks.items()
            for i, block in enumerate(own)
        ]
        groups = {name: [*_pair(name, name, EVERYTHING)] for name in self.blocks}
        acls: dict[str, _Entries] = {name: _Entries() for name in self.blocks}
        for name, own in self.blocks.items():
            acls[name].both_ways(EVERYTHING, own)
        for source, destination, service in self.flows:
            out, into = _pair(source, destination, service)
            groups[source].append(out)
            groups[destination].append(into)
            acls[source].opens(service, self.blocks[destination])
            acls[destination].opened(service, self.blocks[source])
        for name, services in self.outside.items():
            groups[name] += [_rule(one, RulePeer(PeerKind.CIDR, str(ANYWHERE)), egress=True) for one in services]
            acls[name].outside(services, self.cidr)
        keys = {place.node: place.subnets for place in self.places}
        way_out = (Route(ANYWHERE, Target(TargetKind.INTERNET, _GATEWAY)),)
        tables = [
            RouteTable(name, routes=way_out if name in self.outside else (), subnets=keys[name]) for name in self.blocks
        ]
        named = [Acl(name, entries=one.all, subnets=keys[name]) for name, one in acls.items()]
        ruled = [Group(name, tuple(sorted(rules))) for name, rules in groups.items()]
        return AwsGraph(
            (self.cidr,),
            tuple(sorted(subnets)),
            tuple(sorted([*tables, RouteTable(MAIN, main=True)])),
            tuple(sorted([*named, Acl(DEFAULT, default=True)])),
            tuple(sorted([*ruled, Group(DEFAULT)])),
            (InternetGateway(_GATEWAY),) if self.outside else (),
        )

    def _subnet(self, name: str, zone: int) -> str:
        return f"{name}-{zone}"


class _Entries:
    """Entries of one ACL, in the order in which they are given."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._known: set[tuple[bool, Service, IPv4Network]] = set()

    @property
    def all(self) -> tuple[Entry, ...]:
        """Sorted as a graph has them."""
        return tuple(sorted(self._entries))

    def both_ways(self, service: Service, blocks: Sequence[IPv4Network]) -> None:
        """Whoever opens."""
        for egress in (False, True):
            self._add(service, blocks, egress=egress)

    def opens(self, service: Service, blocks: Sequence[IPv4Network]) -> None:
        """What the owner opens, and its answers."""
        self._add(service, blocks, egress=True)
        for answer in _answers(service):
            self._add(answer, blocks, egress=False)

    def opened(self, service: Service, blocks: Sequence[IPv4Network]) -> None:
        """What is opened to the owner, and its answers."""
        self._add(service, blocks, egress=False)
        for answer in _answers(service):
            self._add(answer, blocks, egress=True)

    def outside(self, services: Sequence[Service], vpc: IPv4Network) -> None:
        """What is opened to public addresses, none of the VPC among them."""
        for egress in (False, True):
            self._add(EVERYTHING, (vpc,), egress=egress, allow=False)
        for service in services:
            self.opens(service, (ANYWHERE,))

    def _add(self, service: Service, blocks: Sequence[IPv4Network], *, egress: bool, allow: bool = True) -> None:
        for block in blocks:
            if (egress, service, block) not in self._known:
                self._known.add((egress, service, block))
                number = _STEP * (1 + len(self._entries))
                self._entries.append(Entry(egress, number, allow, service.protocol, *_span(service), block))


def _answers(service: Service) -> Iterator[Service]:
    """What has to come back."""
    if service.protocol in {Protocol.ICMP, Protocol.ANY}:
        yield ICMP
    yield from (one for one in _EPHEMERAL if service.protocol in {one.protocol, Protocol.ANY})


def _span(service: Service) -> tuple[int, int]:
    return (service.first, service.last) if service.last else whole(service.protocol)


def _pair(source: str, destination: str, service: Service) -> tuple[GroupRule, GroupRule]:
    return (
        _rule(service, RulePeer(PeerKind.GROUP, destination), egress=True),
        _rule(service, RulePeer(PeerKind.GROUP, source), egress=False),
    )


def _rule(service: Service, peer: RulePeer, *, egress: bool) -> GroupRule:
    return GroupRule(egress, service.protocol, *_span(service), peer)


def size(graph: AwsGraph) -> int:
    """Rules, entries and routes of a VPC."""
    return sum(
        len(part)
        for parts in (
            [g.rules for g in graph.groups],
            [a.entries for a in graph.acls],
            [t.routes for t in graph.tables],
        )
        for part in parts
    )


def ring(segments: int, zones: int, reach: int) -> Shape:
    """Segments in a circle, each of which opens one service to those after it.

    Args:
        segments: how many.
        zones: subnets of each.
        reach: to how many others each opens.
    """
    blocks = list(IPv4Network("10.0.0.0/12").subnets(new_prefix=24))
    names = [f"seg-{index:03}" for index in range(segments)]
    services = (Service(Protocol.TCP, 5432, 5432), Service(Protocol.TCP, 8000, 8010), Service(Protocol.UDP, 5000, 5010))
    flows = [
        (name, names[(index + step) % segments], services[step % len(services)])
        for index, name in enumerate(names)
        for step in range(1, min(reach, segments - 1) + 1)
    ]
    return Shape(
        IPv4Network("10.0.0.0/12"),
        {name: tuple(blocks[index * zones : (index + 1) * zones]) for index, name in enumerate(names)},
        tuple(flows),
        {name: (Service(Protocol.TCP, 443, 443),) for name in names},
    )


def owners(intent: Intent) -> Shape:
    """A VPC for the owner's own files: their segments and flows, by the rules of this module, one block after another.

    Args:
        intent: a stack of AWS on which nobody goes out but by the Internet gateway.
    """
    network, stack = intent.network, intent.stack
    if not isinstance(stack, AwsStack):
        raise TypeError("the stack is not one of AWS")
    blocks = iter(stack.vpc_cidr.subnets(new_prefix=24))
    flows = {
        (source, destination, service)
        for flow in network.flows
        for service in resolve(flow.services, network.services, ssh_port=0)
        for source in flow.source
        for destination in flow.destination
        if {source, destination} <= network.segments.keys()
    }
    outside = {
        name: resolve(segment.internet_services, network.services, ssh_port=0)
        for name, segment in network.segments.items()
        if stack.egress.get(name) is Egress.GATEWAY
    }
    return Shape(
        stack.vpc_cidr,
        {name: tuple(next(blocks) for _ in stack.zones) for name in network.segments},
        tuple(sorted(flows)),
        {name: tuple(services) for name, services in outside.items()},
    )
