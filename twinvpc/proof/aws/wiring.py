"""The graph with its lookups prepared: which table, which ACL, what a route leads to."""

from collections.abc import Iterable
from functools import cached_property
from ipaddress import IPv4Network

from twinvpc.proof.aws.addresses import Range, Samples, blocks, public
from twinvpc.proof.aws.graph import Acl, AwsGraph, Group, RouteTable, Subnet
from twinvpc.proof.aws.judges import AclJudge, GroupJudge, TableJudge, bounds


class Judges:
    """Prepared parts, kept for all graphs that share them: a mutant differs from its graph in one part only."""

    def __init__(self) -> None:
        # By identity: comparing whole parts would cost more than preparing them. Holding a part keeps its id its own.
        self._acls: dict[int, tuple[Acl, AclJudge]] = {}
        self._groups: dict[int, tuple[Group, GroupJudge]] = {}
        self._tables: dict[int, tuple[RouteTable, TableJudge]] = {}

    def acl(self, acl: Acl) -> AclJudge:
        """The judge of an ACL."""
        if id(acl) not in self._acls:
            self._acls[id(acl)] = acl, AclJudge(acl)
        return self._acls[id(acl)][1]

    def group(self, group: Group) -> GroupJudge:
        """The judge of a security group."""
        if id(group) not in self._groups:
            self._groups[id(group)] = group, GroupJudge(group)
        return self._groups[id(group)][1]

    def table(self, table: RouteTable, local: Iterable[IPv4Network]) -> TableJudge:
        """The judge of a route table; `local` is the same for all graphs that share judges."""
        if id(table) not in self._tables:
            self._tables[id(table)] = table, TableJudge(table, local)
        return self._tables[id(table)][1]


class Wiring:
    """One graph, ready to be asked.

    Args:
        graph: the VPC.
        judges: prepared parts of graphs that share most of theirs with this one.
    """

    def __init__(self, graph: AwsGraph, judges: Judges | None = None) -> None:
        self.graph = graph
        self.judges = judges or Judges()
        self.subnets = {one.key: one for one in graph.subnets}
        self.groups = {one.key: one for one in graph.groups}
        self.nats = {one.key: one for one in graph.nats}
        self.gateways = frozenset(one.key for one in graph.gateways)
        self.endpoints = {one.key: one for one in graph.endpoints}
        self._tables = {key: table for table in graph.tables for key in table.subnets}
        self._acls = {key: acl for acl in graph.acls for key in acl.subnets}
        self._main = next(table for table in graph.tables if table.main)
        self._default = next(acl for acl in graph.acls if acl.default)

    def table(self, subnet: str) -> RouteTable:
        """The table of a subnet: its own, or the VPC's main one."""
        return self._tables.get(subnet, self._main)

    def acl(self, subnet: str) -> Acl:
        """The ACL of a subnet: its own, or the VPC's default one."""
        return self._acls.get(subnet, self._default)

    def routes(self, subnet: str) -> TableJudge:
        """The judge of a subnet's table."""
        return self.judges.table(self.table(subnet), self.graph.cidrs)

    @cached_property
    def _samples(self) -> Samples:
        return Samples(blocks(self.graph))

    def samples(self, ranges: Iterable[Range]) -> tuple[int, ...]:
        """One address of these ranges for each way in which they are treated."""
        return self._samples.of(tuple(ranges))

    def addresses(self, subnet: Subnet) -> tuple[int, ...]:
        """One address of a subnet for each way in which its addresses are treated; mostly there is one way."""
        return self._samples.of((bounds(subnet.cidr),))

    @cached_property
    def internet(self) -> tuple[int, ...]:
        """One public address for each way in which public addresses are treated."""
        return self._samples.of(public(self.graph.cidrs))
