"""A VPC as the evaluator sees it: what decides about packets, and nothing else.

Things are named by their tag `Name` where they have one, so that the same network has the same graph before
deployment and in the account.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from ipaddress import IPv4Network

from twinvpc.model.services import HIGHEST_PORT, Protocol

ANYWHERE = IPv4Network("0.0.0.0/0")
HIGHEST_ICMP_TYPE = 255


@unique
class TargetKind(StrEnum):
    """Where a route leads; the local route of the VPC is implied and never listed."""

    INTERNET = "Internet gateway"
    NAT = "NAT gateway"
    NOWHERE = "blackhole"


@dataclass(frozen=True, order=True)
class Target:
    """What a route leads to, by kind and name."""

    kind: TargetKind
    key: str = ""

    def __str__(self) -> str:
        """`Internet gateway igw`."""
        return f"{self.kind.value} {self.key}".rstrip()


@dataclass(frozen=True, order=True)
class Route:
    """One route besides the local one."""

    destination: IPv4Network
    target: Target

    def __str__(self) -> str:
        """`0.0.0.0/0 → Internet gateway igw`."""
        return f"{self.destination} → {self.target}"


@dataclass(frozen=True, order=True)
class RouteTable:
    """A route table.

    Attributes:
        key: its name.
        main: whether it serves subnets that are associated with none.
        routes: its routes but the local one.
        subnets: names of subnets associated explicitly.
    """

    key: str
    main: bool = False
    routes: tuple[Route, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Entry:
    """An entry of a network ACL.

    Attributes:
        egress: whether it judges packets that leave the subnet.
        number: entries are tried in this order, and the first that matches decides.
        allow: its verdict.
        protocol: what it matches; ANY is every protocol, ports or not.
        first: first port, or first ICMP type.
        last: last port, or last ICMP type, included.
        cidr: the other side's addresses.
    """

    egress: bool
    number: int
    allow: bool
    protocol: Protocol
    first: int
    last: int
    cidr: IPv4Network

    def __str__(self) -> str:
        """`egress 100 allow tcp/443 10.0.1.0/24`."""
        way = "egress" if self.egress else "ingress"
        verdict = "allow" if self.allow else "deny"
        return f"{way} {self.number} {verdict} {words(self.protocol, self.first, self.last)} {self.cidr}"


@dataclass(frozen=True, order=True)
class Acl:
    """A network ACL; what no entry matches is denied.

    Attributes:
        key: its name.
        default: whether it serves subnets that are associated with none.
        entries: sorted by direction and number.
        subnets: names of subnets associated explicitly; empty for the default one.
    """

    key: str
    default: bool = False
    entries: tuple[Entry, ...] = ()
    subnets: tuple[str, ...] = ()


@unique
class PeerKind(StrEnum):
    """How a rule of a security group names the other side."""

    CIDR = "cidr"
    GROUP = "group"
    PREFIX_LIST = "prefix list"


@dataclass(frozen=True, order=True)
class RulePeer:
    """The other side of a rule.

    Attributes:
        kind: how it is named.
        key: name of the group, or service of the prefix list; the block as text for a CIDR.
    """

    kind: PeerKind
    key: str

    @property
    def cidr(self) -> IPv4Network:
        """The block, for a peer that is one."""
        return IPv4Network(self.key)

    def __str__(self) -> str:
        """`group public`, `10.0.0.0/16`."""
        return self.key if self.kind is PeerKind.CIDR else f"{self.kind.value} {self.key}"


@dataclass(frozen=True, order=True)
class GroupRule:
    """A permission of a security group.

    Attributes:
        egress: whether it is about connections that members open.
        protocol: what it permits; ANY is every protocol.
        first: first port, or first ICMP type.
        last: last port, or last ICMP type, included.
        peer: the other side.
    """

    egress: bool
    protocol: Protocol
    first: int
    last: int
    peer: RulePeer

    def __str__(self) -> str:
        """`egress tcp/443 to group private`."""
        way, towards = ("egress", "to") if self.egress else ("ingress", "from")
        return f"{way} {words(self.protocol, self.first, self.last)} {towards} {self.peer}"


@dataclass(frozen=True, order=True)
class Group:
    """A security group: what no rule permits is denied, and answers always come back."""

    key: str
    rules: tuple[GroupRule, ...] = ()


@dataclass(frozen=True, order=True)
class Subnet:
    """A subnet in one zone."""

    key: str
    zone: str
    cidr: IPv4Network


@dataclass(frozen=True, order=True)
class InternetGateway:
    """An Internet gateway attached to this VPC."""

    key: str


@dataclass(frozen=True, order=True)
class NatGateway:
    """A public NAT gateway.

    Attributes:
        key: its name.
        subnet: name of the subnet in which it stands.
        working: whether it has a public address and is in service.
    """

    key: str
    subnet: str
    working: bool = True


@dataclass(frozen=True, order=True)
class Endpoint:
    """An endpoint of a service of AWS.

    Attributes:
        key: its name.
        service: e.g. `com.amazonaws.ap-northeast-1.s3`.
        interface: whether it stands in subnets with an address of the VPC; otherwise it is a route.
        subnets: where an interface endpoint stands.
        groups: security groups of an interface endpoint.
        tables: route tables that lead to a gateway endpoint.
        private_dns: whether the service's own name leads to an interface endpoint.
    """

    key: str
    service: str
    interface: bool
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    private_dns: bool = False


@dataclass(frozen=True)
class AwsGraph:
    """Everything in one VPC that decides about packets, each kind sorted by name."""

    cidrs: tuple[IPv4Network, ...]
    subnets: tuple[Subnet, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    acls: tuple[Acl, ...] = ()
    groups: tuple[Group, ...] = ()
    gateways: tuple[InternetGateway, ...] = ()
    nats: tuple[NatGateway, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


def whole(protocol: Protocol) -> tuple[int, int]:
    """Every port of a protocol, or every type of ICMP."""
    return (0, HIGHEST_ICMP_TYPE) if protocol is Protocol.ICMP else (0, HIGHEST_PORT)


def words(protocol: Protocol, first: int, last: int) -> str:
    """`any`, `tcp`, `tcp/80-90`, `icmp/8`."""
    if protocol is Protocol.ANY or (first, last) == whole(protocol):
        return protocol.value
    return f"{protocol.value}/{first}" if first == last else f"{protocol.value}/{first}-{last}"
