"""Changes of one thing that may open a closed way."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import TypeAlias

from twinvpc.proof.aws import edits
from twinvpc.proof.aws.graph import AwsGraph, Entry, GroupRule, InternetGateway, Route

_FIRST_NUMBER = 100


@dataclass(frozen=True, order=True)
class AddRule:
    """A rule more in a security group."""

    group: str
    rule: GroupRule

    def __str__(self) -> str:
        """In words."""
        return f"add to security group {self.group}: {self.rule}"

    def applied(self, graph: AwsGraph) -> AwsGraph:
        """The graph with this change."""
        group = next(one for one in graph.groups if one.key == self.group)
        return edits.with_group(graph, group, (*group.rules, self.rule))


@dataclass(frozen=True, order=True)
class AddEntry:
    """An entry more in a network ACL; its number follows from where it goes.

    Attributes:
        acl: the ACL.
        entry: the entry; its number means nothing.
        first: whether it has to stand before all others, since one of them denies the same.
    """

    acl: str
    entry: Entry
    first: bool

    def __str__(self) -> str:
        """In words."""
        way, rest = str(self.entry).split(" ", 1)
        where = "before all others" if self.first else "behind all others"
        return f"add to network ACL {self.acl}, {where}: {way} {rest.split(' ', 1)[1]}"

    def applied(self, graph: AwsGraph) -> AwsGraph:
        """The graph with this change; the others move up where there is no number left in front."""
        acl = next(one for one in graph.acls if one.key == self.acl)
        numbers = [one.number for one in acl.entries if one.egress is self.entry.egress] or [_FIRST_NUMBER]
        if not self.first:
            return edits.with_acl(graph, acl, (*acl.entries, replace(self.entry, number=max(numbers) + 1)))
        room = 0 if min(numbers) > 1 else 1
        others = tuple(replace(one, number=one.number + room) for one in acl.entries)
        return edits.with_acl(graph, acl, (*others, replace(self.entry, number=min(numbers) + room - 1)))


@dataclass(frozen=True, order=True)
class RemoveEntry:
    """A denying entry less in a network ACL."""

    acl: str
    entry: Entry

    def __str__(self) -> str:
        """In words."""
        return f"remove from network ACL {self.acl}: {self.entry}"

    def applied(self, graph: AwsGraph) -> AwsGraph:
        """The graph with this change. Other changes may have moved the entry's number."""
        acl = next(one for one in graph.acls if one.key == self.acl)
        kept = [one for one in acl.entries if replace(one, number=0) != replace(self.entry, number=0)]
        return edits.with_acl(graph, acl, kept)


@dataclass(frozen=True, order=True)
class AddRoute:
    """A route more, or one with the same destination replaced."""

    table: str
    route: Route

    def __str__(self) -> str:
        """In words."""
        return f"add to route table {self.table}: {self.route}"

    def applied(self, graph: AwsGraph) -> AwsGraph:
        """The graph with this change."""
        table = next(one for one in graph.tables if one.key == self.table)
        kept = [one for one in table.routes if one.destination != self.route.destination]
        return edits.with_table(graph, table, (*kept, self.route))


@dataclass(frozen=True, order=True)
class AttachGateway:
    """An Internet gateway for a VPC that has none."""

    key: str

    def __str__(self) -> str:
        """In words."""
        return f"attach an Internet gateway ({self.key})"

    def applied(self, graph: AwsGraph) -> AwsGraph:
        """The graph with this change."""
        return replace(graph, gateways=tuple(sorted({*graph.gateways, InternetGateway(self.key)})))


@dataclass(frozen=True, order=True)
class LeadToEndpoint:
    """A route table associated with a gateway endpoint."""

    endpoint: str
    table: str

    def __str__(self) -> str:
        """In words."""
        return f"associate route table {self.table} with endpoint {self.endpoint}"

    def applied(self, graph: AwsGraph) -> AwsGraph:
        """The graph with this change."""
        changed = (
            replace(one, tables=tuple(sorted({*one.tables, self.table}))) if one.key == self.endpoint else one
            for one in graph.endpoints
        )
        return replace(graph, endpoints=tuple(changed))


Fix: TypeAlias = AddRule | AddEntry | RemoveEntry | AddRoute | AttachGateway | LeadToEndpoint
Way: TypeAlias = frozenset[Fix]
"""Changes that open something together, and of which none can be left out."""


def applied(graph: AwsGraph, way: Way) -> AwsGraph:
    """The graph with several changes; removals come first, so that additions see what is left."""
    for fix in sorted(way, key=lambda one: (not isinstance(one, RemoveEntry), str(one))):
        graph = fix.applied(graph)
    return graph


def least(ways: set[Way]) -> set[Way]:
    """Ways of which no part is a way as well."""
    return {way for way in ways if not any(other < way for other in ways)}


def cover(own: tuple[IPv4Network, ...], others: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
    """The one block that holds all of a node's, if it touches nobody else's; else its own, one by one."""
    whole = own[0]
    while not all(block.subnet_of(whole) for block in own):
        whole = whole.supernet()
    return own if any(whole.overlaps(block) for block in others) else (whole,)
