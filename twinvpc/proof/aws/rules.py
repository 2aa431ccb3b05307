"""Rules and entries, read alike wherever they come from."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from twinvpc.model.services import HIGHEST_PORT, Protocol
from twinvpc.proof.aws.errors import GraphError, unknown
from twinvpc.proof.aws.graph import HIGHEST_ICMP_TYPE, AwsGraph, GroupRule, RulePeer, whole

PROTOCOLS: Mapping[str, Protocol] = {
    "-1": Protocol.ANY,
    "all": Protocol.ANY,
    "1": Protocol.ICMP,
    "icmp": Protocol.ICMP,
    "6": Protocol.TCP,
    "tcp": Protocol.TCP,
    "17": Protocol.UDP,
    "udp": Protocol.UDP,
}
EVERY = -1
"""How AWS writes every port, every type and every code."""

T = TypeVar("T")


def protocol_of(where: str, word: str) -> Protocol:
    """The protocol that AWS's name or number stands for.

    Raises:
        GraphError: it is another protocol, about which cells say nothing.
    """
    if word not in PROTOCOLS:
        raise unknown(where, f"protocol {word}")
    return PROTOCOLS[word]


def ports(where: str, protocol: Protocol, first: int, last: int) -> tuple[int, int]:
    """A port range, checked; every port where the protocol is ANY.

    Raises:
        GraphError: there are no such ports, or the range runs backwards.
    """
    if protocol is Protocol.ANY:
        return whole(protocol)
    if not 0 <= first <= last <= HIGHEST_PORT:
        raise GraphError(
            f"{where}: ports {first} to {last}",
            rule=f"ports run from 0 to {HIGHEST_PORT}, the first not above the last",
            way_out="correct the range",
        )
    return first, last


def icmp(where: str, kind: int, code: int) -> tuple[int, int]:
    """The types that an ICMP rule means: one, or every one.

    Raises:
        GraphError: it is about single codes, which cells do not tell apart.
    """
    if kind == EVERY:
        return whole(Protocol.ICMP)
    if not 0 <= kind <= HIGHEST_ICMP_TYPE or code != EVERY:
        raise unknown(where, f"ICMP type {kind} with code {code}")
    return kind, kind


def group_rule(where: str, word: str, first: int, last: int, *, egress: bool, peer: RulePeer) -> GroupRule:
    """A rule of a security group, its range checked."""
    protocol = protocol_of(where, word)
    span = icmp(where, first, last) if protocol is Protocol.ICMP else ports(where, protocol, first, last)
    return GroupRule(egress, protocol, *span, peer)


def once(what: str, names: Iterable[str]) -> None:
    """Refuse a name that two things share.

    Raises:
        GraphError: some name stands there twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise GraphError(
                f"two {what} are called {name}",
                rule="things are told apart by their tag `Name`",
                way_out="rename or remove the one that is not ours",
            )
        seen.add(name)


def checked(graph: AwsGraph) -> AwsGraph:
    """The graph, if all its names are single and all that it refers to is there.

    Raises:
        GraphError: a name stands twice, a subnet has two tables or ACLs, two entries share a number, or something
            refers to what the VPC does not have.
    """
    once("subnets", (one.key for one in graph.subnets))
    once("route tables", (one.key for one in graph.tables))
    once("network ACLs", (one.key for one in graph.acls))
    once("security groups", (one.key for one in graph.groups))
    once("gateways or endpoints", (one.key for one in (*graph.gateways, *graph.nats, *graph.endpoints)))
    once("associations with a route table", (key for table in graph.tables for key in table.subnets))
    once("associations with a network ACL", (key for acl in graph.acls for key in acl.subnets))
    for table in graph.tables:
        once(f"routes of {table.key}", (str(route.destination) for route in table.routes))
    for acl in graph.acls:
        once(f"entries of {acl.key}", (f"{one.egress} {one.number}" for one in acl.entries))
    if [table.main for table in graph.tables].count(True) != 1 or [acl.default for acl in graph.acls].count(True) != 1:
        raise GraphError(
            "not exactly one main route table and one default network ACL",
            rule="AWS gives each VPC one of both",
            way_out="describe all route tables and network ACLs of the VPC, and of no other",
        )
    return graph
