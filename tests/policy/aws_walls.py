"""A reading of rendered AWS rules, written from AWS's user guide and not from the renderers: what passes which wall."""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from hypothesis import strategies as st

from tests.policy.networks import Case, cases
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import AwsPlan, SubnetPlan, aws_plan, record
from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.load import Intent, load
from twinvpc.model.services import Protocol, Service
from twinvpc.model.source import Source
from twinvpc.policy.aws import AwsDesign, design
from twinvpc.policy.aws_acls import Acl, Entry
from twinvpc.policy.aws_groups import BlockPeer, Direction, GroupPeer
from twinvpc.policy.terms import compile_policy

ZONES = ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")
ABROAD = IPv4Address("198.51.100.9")
FROM_PORT = 45000
"""A port from which Linux opens connections."""

Raw = dict[str, Any]


@dataclass(frozen=True)
class AwsCase:
    """One network on one AWS stack, and everything that is rendered from it."""

    network: Raw
    stack: Raw

    @cached_property
    def intent(self) -> Intent:
        return load(Source("network.yaml", self.network), Source("Pulumi.aws.yaml", self.stack), "aws")

    @cached_property
    def aws(self) -> AwsStack:
        assert isinstance(self.intent.stack, AwsStack)
        return self.intent.stack

    @cached_property
    def plan(self) -> AwsPlan:
        return aws_plan(record(self.intent, Lock()).of("aws"))

    @cached_property
    def design(self) -> AwsDesign:
        return design(compile_policy(self.intent), self.plan, self.aws)


def stack_of(egress: dict[str, str], zones: int = 2, **more: object) -> Raw:
    return {
        "kind": "aws", "aws_region": "ap-northeast-1", "environment": "test", "vpc_cidr": "10.0.0.0/16",
        "zones": list(ZONES[:zones]), "subnet_prefix": 26, "egress": egress, **more,
    }  # fmt: skip


@st.composite
def aws_cases(draw: st.DrawFn) -> AwsCase:
    """A network as the owner may write it, on one to three zones, with every way out that its switches allow."""
    case: Case = draw(cases(most=6))
    egress: dict[str, str] = {}
    for name, segment in case.network["segments"].items():
        switch = segment["internet"]
        ways = ["none"] if switch is False else ["none", "nat", "gateway"]
        if switch is True:
            ways.append("endpoints")
        egress[name] = draw(st.sampled_from(ways))
    more = {"nat": draw(st.sampled_from(["one", "per_zone"]))}
    return AwsCase(case.network, stack_of(egress, draw(st.integers(1, 3)), **more))


def fits(service: Service, protocol: Protocol, port: int) -> bool:
    if service.protocol is Protocol.ANY:
        return True
    return service.protocol is protocol and (protocol is Protocol.ICMP or service.first <= port <= service.last)


def passes(entries: tuple[Entry, ...], address: IPv4Address, protocol: Protocol, port: int) -> bool:
    """The first entry that fits decides; without one the packet is denied."""
    for entry in sorted(entries, key=lambda one: one.number):
        if address in entry.block and fits(entry.service, protocol, port):
            return entry.allow
    return False


@dataclass(frozen=True)
class Walls:
    """All walls of a rendered design, each to be asked alone."""

    case: AwsCase

    def subnets(self, name: str) -> tuple[SubnetPlan, ...]:
        return self.case.plan.of(name)

    def acl(self, name: str) -> Acl:
        (found,) = (acl for acl in self.case.design.acls if acl.name == name)
        return found

    def acls_permit(self, source: SubnetPlan, destination: SubnetPlan, protocol: Protocol, port: int) -> bool:
        """There and back, through the ACLs of both ends; inside a subnet there is none."""
        if source == destination:
            return True
        one, other = self.acl(source.segment), self.acl(destination.segment)
        here, there = address_of(source.cidr), address_of(destination.cidr)
        return (
            passes(one.egress, there, protocol, port)
            and passes(other.ingress, here, protocol, port)
            and passes(other.egress, here, protocol, FROM_PORT)
            and passes(one.ingress, there, protocol, FROM_PORT)
        )

    def acls_permit_abroad(self, source: SubnetPlan, protocol: Protocol, port: int) -> bool:
        """The segment's own ACL; and that of the NAT gateway, if it leaves by one."""
        own = self.acl(source.segment)
        out = passes(own.egress, ABROAD, protocol, port) and passes(own.ingress, ABROAD, protocol, FROM_PORT)
        if self.case.aws.egress_of(source.segment) is not Egress.NAT:
            return out
        nat, here = self.acl("nat"), address_of(source.cidr)
        legs = (
            passes(nat.ingress, here, protocol, port),
            passes(nat.egress, ABROAD, protocol, port),
            *(passes(nat.ingress, ABROAD, protocol, back) for back in (1024, 3388, 3390, 65535)),
            passes(nat.egress, here, protocol, FROM_PORT),
        )
        return out and all(legs)

    def groups_permit(self, source: str, destination: str, protocol: Protocol, port: int) -> bool:
        """Stateful, at both ends."""
        rules = {group.name: group for group in self.case.design.groups}
        out = (r for r in rules[source].of(Direction.EGRESS) if r.peer == GroupPeer(destination))
        into = (r for r in rules[destination].of(Direction.INGRESS) if r.peer == GroupPeer(source))
        return all(any(fits(rule.service, protocol, port) for rule in some) for some in (out, into))

    def groups_permit_abroad(self, source: str, protocol: Protocol, port: int) -> bool:
        (group,) = (group for group in self.case.design.groups if group.name == source)
        rules = [(rule.peer, rule.service) for rule in group.of(Direction.EGRESS)]
        return any(isinstance(p, BlockPeer) and ABROAD in p.block and fits(s, protocol, port) for p, s in rules)

    def way_abroad(self, source: SubnetPlan) -> bool:
        """Whether the subnet's table leads out, by a NAT gateway that is there, if by one."""
        (table,) = (table for table in self.case.design.tables if source in table.subnets)
        if table.way is Egress.NAT:
            return table.nat_zone in {subnet.zone for subnet in self.subnets("nat")}
        return table.way is Egress.GATEWAY


def address_of(block: IPv4Network) -> IPv4Address:
    return block.network_address + 9
