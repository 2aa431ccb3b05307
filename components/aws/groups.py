"""Security groups: the inner wall, around every network interface."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.component import Component
from components.former import Former, known_as
from twinvpc.model.services import Protocol, Service
from twinvpc.policy.aws_groups import BlockPeer, Direction, Group, GroupPeer, GroupRule

_EVERY_PROTOCOL = "-1"
_ANY_TYPE = -1


@dataclass(frozen=True)
class SecurityGroupsArgs:
    """What the groups are to be.

    Attributes:
        vpc_id: the VPC.
        groups: all groups.
        s3_prefixes: id of AWS's list of S3's addresses, where some rule names it.
        former: names that a segment had before.
    """

    vpc_id: pulumi.Output[str]
    groups: tuple[Group, ...]
    s3_prefixes: pulumi.Output[str] | None
    former: Former


class SecurityGroups(Component):
    """A group for each segment, and one for endpoints; rules name groups, so a new address changes none of them.

    Attributes:
        ids: id of each group by the segment's name.

    Creates:
        - `aws:ec2/securityGroup:SecurityGroup`: the groups, without rules of their own.
        - `aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule`: who may open to a group, one for each service.
        - `aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule`: to whom a group may open, one for each service.
    """

    def __init__(self, name: str, args: SecurityGroupsArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:aws:SecurityGroups", name, opts)
        self._name, self._args = name, args
        self.ids: Mapping[str, pulumi.Output[str]] = {group.name: self._group(group.name) for group in args.groups}
        for group in args.groups:
            for rule in group.rules:
                self._rule(group.name, rule)
        self.register_outputs({"ids": self.ids})

    def _group(self, segment: str) -> pulumi.Output[str]:
        def called(segment: str) -> str:
            return f"{self._name}-{segment}"

        # AWS changes neither name nor description of a group: a new one would be needed, and the old one is in use.
        lasting = pulumi.ResourceOptions(ignore_changes=["name", "description"])
        return aws.ec2.SecurityGroup(
            called(segment),
            name=f"{pulumi.get_project()}-{segment}",
            description=f"Segment {segment} of {pulumi.get_project()}",
            vpc_id=self._args.vpc_id,
            tags={"Name": called(segment)},
            opts=known_as(pulumi.ResourceOptions.merge(self.child(), lasting), self._args.former, called, segment),
        ).id

    def _rule(self, group: str, rule: GroupRule) -> None:
        inwards = rule.direction is Direction.INGRESS
        peer = rule.opener if inwards else f"{rule.opened}--s3" if rule.to_s3 else rule.opened

        def called(group: str, peer: str) -> str:
            way = "from" if inwards else "to"  # between double hyphens, which no segment has in its name
            return f"{self._name}-{group}--{way}--{peer}--{slug(rule.service)}"

        make = aws.vpc.SecurityGroupIngressRule if inwards else aws.vpc.SecurityGroupEgressRule
        protocol, first, last = matched(rule.service)
        make(
            called(group, peer),
            security_group_id=self.ids[group],
            referenced_security_group_id=self.ids[rule.peer.group] if isinstance(rule.peer, GroupPeer) else None,
            cidr_ipv4=str(rule.peer.block) if isinstance(rule.peer, BlockPeer) else None,
            prefix_list_id=self._args.s3_prefixes if rule.to_s3 else None,
            ip_protocol=protocol,
            from_port=first,
            to_port=last,
            description=f"{rule.opener} may open {rule.service} to {'s3' if rule.to_s3 else rule.opened}",
            opts=known_as(self.child(), self._args.former, called, group, peer),
        )


def slug(service: Service) -> str:
    """A service in the name of a resource."""
    return str(service).replace("/", "-")


def matched(service: Service) -> tuple[str, int | None, int | None]:
    """Protocol and ports of a rule: none with every protocol, types instead with ICMP (EC2 API, IpPermission)."""
    if service.protocol is Protocol.ANY:
        return _EVERY_PROTOCOL, None, None
    if service.protocol is Protocol.ICMP:
        return service.protocol.value, _ANY_TYPE, _ANY_TYPE
    return service.protocol.value, service.first, service.last
