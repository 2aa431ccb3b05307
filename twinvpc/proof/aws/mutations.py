"""Everything that could be wrong in a VPC by one thing: each removed, and each widened."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from ipaddress import IPv4Network
from typing import TypeVar

from twinvpc.model.services import Protocol
from twinvpc.proof.aws import edits
from twinvpc.proof.aws.graph import (
    ANYWHERE,
    Acl,
    AwsGraph,
    Entry,
    Group,
    GroupRule,
    PeerKind,
    Route,
    RouteTable,
    RulePeer,
    whole,
)
from twinvpc.proof.aws.paths import Layer

_Serving = TypeVar("_Serving", GroupRule, Entry)


@unique
class Kind(StrEnum):
    """What is done to a thing."""

    REMOVED = "removed"
    ASSOCIATION_REMOVED = "association removed"
    PEER_TO_VPC = "peer widened to the VPC"
    PEER_TO_ANY = "peer widened to any address"
    PORTS_TO_ALL = "ports widened to all"
    PROTOCOL_TO_ANY = "protocol widened to any"
    DESTINATION_TO_ANY = "destination widened to any address"


@dataclass(frozen=True)
class Mutant:
    """A graph with one thing wrong.

    Attributes:
        kind: what was done.
        layer: the wall that it was done to.
        component: the part, e.g. `network ACL public`.
        what: the thing before it was changed, in words.
        graph: the graph that came of it.
    """

    kind: Kind
    layer: Layer
    component: str
    what: str
    graph: AwsGraph

    def __str__(self) -> str:
        """`network ACL public: egress 100 allow tcp/443 0.0.0.0/0: removed`."""
        return f"{self.component}: {self.what}: {self.kind.value}"


def mutants(graph: AwsGraph) -> Iterator[Mutant]:
    """Every mutant of a graph, in the order of its parts. Widening a thing to what it is already makes none."""
    for group in graph.groups:
        yield from _of_group(graph, group)
    for acl in graph.acls:
        yield from _of_acl(graph, acl)
    for table in graph.tables:
        yield from _of_table(graph, table)
    yield from _of_endpoints(graph)


def _of_group(graph: AwsGraph, group: Group) -> Iterator[Mutant]:
    name = f"security group {group.key}"
    for rule in group.rules:
        rest = edits.less(group.rules, rule)
        yield Mutant(Kind.REMOVED, Layer.GROUPS, name, str(rule), edits.with_group(graph, group, rest))
        for kind, wider in _wider_rules(rule, graph.cidrs[0]):
            yield Mutant(kind, Layer.GROUPS, name, str(rule), edits.with_group(graph, group, (*rest, wider)))


def _wider_rules(rule: GroupRule, vpc: IPv4Network) -> Iterator[tuple[Kind, GroupRule]]:
    block = rule.peer.cidr if rule.peer.kind is PeerKind.CIDR else None
    for kind, to in ((Kind.PEER_TO_VPC, vpc), (Kind.PEER_TO_ANY, ANYWHERE)):
        if block is None or _wider(block, to):
            yield kind, replace(rule, peer=RulePeer(PeerKind.CIDR, str(to)))
    yield from _wider_services(rule)


def _of_acl(graph: AwsGraph, acl: Acl) -> Iterator[Mutant]:
    name = f"network ACL {acl.key}"
    for entry in acl.entries:
        rest = edits.less(acl.entries, entry)
        yield Mutant(Kind.REMOVED, Layer.ACLS, name, str(entry), edits.with_acl(graph, acl, rest))
        for kind, wider in _wider_entries(entry, graph.cidrs[0]):
            yield Mutant(kind, Layer.ACLS, name, str(entry), edits.with_acl(graph, acl, (*rest, wider)))
    for subnet in acl.subnets:
        left = edits.without_acl(graph, acl, subnet)
        yield Mutant(Kind.ASSOCIATION_REMOVED, Layer.ACLS, name, f"subnet {subnet}", left)


def _wider_entries(entry: Entry, vpc: IPv4Network) -> Iterator[tuple[Kind, Entry]]:
    for kind, to in ((Kind.PEER_TO_VPC, vpc), (Kind.PEER_TO_ANY, ANYWHERE)):
        if _wider(entry.cidr, to):
            yield kind, replace(entry, cidr=to)
    yield from _wider_services(entry)


def _wider_services(one: _Serving) -> Iterator[tuple[Kind, _Serving]]:
    if (one.first, one.last) != whole(one.protocol):
        first, last = whole(one.protocol)
        yield Kind.PORTS_TO_ALL, replace(one, first=first, last=last)
    if one.protocol is not Protocol.ANY:
        first, last = whole(Protocol.ANY)
        yield Kind.PROTOCOL_TO_ANY, replace(one, protocol=Protocol.ANY, first=first, last=last)


def _of_table(graph: AwsGraph, table: RouteTable) -> Iterator[Mutant]:
    name = f"route table {table.key}"
    for route in table.routes:
        rest = edits.less(table.routes, route)
        yield Mutant(Kind.REMOVED, Layer.ROUTES, name, str(route), edits.with_table(graph, table, rest))
        if not any(one.destination == ANYWHERE for one in table.routes):
            wider = Route(ANYWHERE, route.target)
            changed = edits.with_table(graph, table, (*rest, wider))
            yield Mutant(Kind.DESTINATION_TO_ANY, Layer.ROUTES, name, str(route), changed)
    for subnet in table.subnets:
        left = edits.without_table(graph, table, subnet)
        yield Mutant(Kind.ASSOCIATION_REMOVED, Layer.ROUTES, name, f"subnet {subnet}", left)


def _of_endpoints(graph: AwsGraph) -> Iterator[Mutant]:
    for one in graph.endpoints:
        others = edits.less(graph.endpoints, one)
        gone = replace(graph, endpoints=others)
        yield Mutant(Kind.REMOVED, Layer.ROUTES, f"endpoint {one.key}", one.service, gone)
        for table in one.tables:
            changed = replace(one, tables=edits.less(one.tables, table))
            left = replace(graph, endpoints=tuple(sorted([*others, changed])))
            yield Mutant(Kind.ASSOCIATION_REMOVED, Layer.ROUTES, f"endpoint {one.key}", f"route table {table}", left)


def _wider(block: IPv4Network, to: IPv4Network) -> bool:
    return block != to and block.subnet_of(to)
