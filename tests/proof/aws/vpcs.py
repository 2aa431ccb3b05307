"""Small VPCs by hand, as graphs: two segments in one zone or two, everything open that a test does not close."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from twinvpc.model.services import HIGHEST_PORT, Protocol, Service
from twinvpc.proof.aws.evaluate import ALL_LAYERS, Reach, evaluate
from twinvpc.proof.aws.graph import (
    ANYWHERE,
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
)
from twinvpc.proof.aws.paths import Layer
from twinvpc.proof.aws.places import Place
from twinvpc.proof.aws.wiring import Wiring

VPC = IPv4Network("10.0.0.0/16")
TCP, UDP, ICMP, ANY = Protocol.TCP, Protocol.UDP, Protocol.ICMP, Protocol.ANY
HTTPS = Service(TCP, 443, 443)
EVERY_PORT = (0, HIGHEST_PORT)
EVERY_TYPE = (0, 255)
EPHEMERAL = (32768, 60999)


def block(text: str) -> IPv4Network:
    return IPv4Network(text)


def entry(
    number: int, protocol: Protocol = ANY, ports: tuple[int, int] = EVERY_PORT, cidr: str = "0.0.0.0/0", *,
    egress: bool = False, allow: bool = True,
) -> Entry:  # fmt: skip
    ports = EVERY_TYPE if protocol is ICMP and ports == EVERY_PORT else ports
    return Entry(egress, number, allow, protocol, *ports, block(cidr))


def rule(
    peer: str, protocol: Protocol = ANY, ports: tuple[int, int] = EVERY_PORT, *, egress: bool = False
) -> GroupRule:
    """A rule; a peer with a slash is a block, one with a dot a prefix list, any other a group."""
    kind = PeerKind.CIDR if "/" in peer else PeerKind.PREFIX_LIST if "." in peer else PeerKind.GROUP
    ports = EVERY_TYPE if protocol is ICMP and ports == EVERY_PORT else ports
    return GroupRule(egress, protocol, *ports, RulePeer(kind, peer))


OPEN_GROUP = (rule("0.0.0.0/0"), rule("0.0.0.0/0", egress=True))
OPEN_ACL = (entry(100), entry(100, egress=True))
TO_GATEWAY = Route(ANYWHERE, Target(TargetKind.INTERNET, "igw"))


@dataclass(frozen=True)
class Vpc:
    """Segments `a` and `b`, and a subnet `n` for a NAT gateway; what is not said is open, and leads nowhere outside."""

    groups: tuple[tuple[str, tuple[GroupRule, ...]], ...] = ()
    acls: tuple[tuple[str, tuple[Entry, ...]], ...] = ()
    routes: tuple[tuple[str, tuple[Route, ...]], ...] = ()
    gateway: bool = True
    nat: bool = False
    two_zones: bool = False

    @property
    def subnets(self) -> tuple[Subnet, ...]:
        found = [Subnet("a-1", "1", block("10.0.1.0/24")), Subnet("b-1", "1", block("10.0.2.0/24"))]
        if self.two_zones:
            found += [Subnet("a-2", "2", block("10.0.3.0/24")), Subnet("b-2", "2", block("10.0.4.0/24"))]
        return tuple(sorted([*found, Subnet("n", "1", block("10.0.9.0/28"))]))

    @property
    def places(self) -> tuple[Place, ...]:
        keys = [subnet.key for subnet in self.subnets]
        return tuple(Place(name, tuple(key for key in keys if key.startswith(name)), (name,)) for name in "ab")

    @property
    def graph(self) -> AwsGraph:
        groups, acls, routes = dict(self.groups), dict(self.acls), dict(self.routes)
        keys = {name: tuple(one.key for one in self.subnets if one.key.startswith(name)) for name in "abn"}
        tables = [RouteTable(name, routes=routes.get(name, ()), subnets=keys[name]) for name in "abn"]
        lists = [Acl(name, entries=tuple(sorted(acls.get(name, OPEN_ACL))), subnets=keys[name]) for name in "abn"]
        return AwsGraph(
            (VPC,),
            self.subnets,
            (*tables, RouteTable("main", main=True)),
            (*lists, Acl("default", default=True)),
            (*(Group(name, tuple(sorted(groups.get(name, OPEN_GROUP)))) for name in "ab"), Group("default")),
            (InternetGateway("igw"),) if self.gateway else (),
            (NatGateway("nat", "n"),) if self.nat else (),
        )  # fmt: skip


def reach(vpc: Vpc | AwsGraph, source: str, destination: str, layers: frozenset[Layer] = ALL_LAYERS) -> Reach:
    graph = vpc.graph if isinstance(vpc, Vpc) else vpc
    places = (vpc if isinstance(vpc, Vpc) else Vpc(two_zones=any(s.key == "a-2" for s in graph.subnets))).places
    return evaluate(Wiring(graph), places, layers).of(source, destination)


def seen(vpc: Vpc | AwsGraph, source: str, destination: str) -> str:
    """A cell in words; `~` where subnets, addresses or source ports are not treated alike, and what some may."""
    one = reach(vpc, source, destination)
    return str(one.cell) if one.exact else f"{one.cell} ~ {one.partly}"


def without_association(graph: AwsGraph, subnet: str, *, table: bool = False, acl: bool = False) -> AwsGraph:
    def less(keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(key for key in keys if key != subnet)

    tables = tuple(replace(one, subnets=less(one.subnets)) for one in graph.tables) if table else graph.tables
    acls = tuple(replace(one, subnets=less(one.subnets)) for one in graph.acls) if acl else graph.acls
    return replace(graph, tables=tables, acls=acls)
