"""Network ACLs: the outer wall, around every subnet."""

from dataclasses import dataclass
from typing import TypeVar

import pulumi
import pulumi_aws as aws

from components.aws.vpc import Vpc
from components.component import Component
from components.former import Former, known_as
from twinvpc.model.services import Protocol
from twinvpc.policy.aws_acls import Acl, Entry

# AWS's API speaks numbers of protocols (IANA) in ACLs and nothing else, so what is read back is a number too.
_NUMBERS = {Protocol.ANY: "-1", Protocol.ICMP: "1", Protocol.TCP: "6", Protocol.UDP: "17"}
_ANY_TYPE = -1

_Argument = TypeVar("_Argument", aws.ec2.NetworkAclIngressArgs, aws.ec2.NetworkAclEgressArgs)


@dataclass(frozen=True)
class NetworkAclsArgs:
    """What the ACLs are to be.

    Attributes:
        network: the VPC and its subnets.
        acls: all ACLs.
        former: names that a segment had before.
    """

    network: Vpc
    acls: tuple[Acl, ...]
    former: Former


class NetworkAcls(Component):
    """An ACL around the subnets of each segment, and around those of NAT gateways and of endpoints.

    Creates:
        - `aws:ec2/networkAcl:NetworkAcl`: the ACLs with their entries and subnets.
    """

    def __init__(self, name: str, args: NetworkAclsArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:aws:NetworkAcls", name, opts)

        def called(segment: str) -> str:
            return f"{name}-{segment}"

        for acl in args.acls:
            aws.ec2.NetworkAcl(
                called(acl.name),
                vpc_id=args.network.vpc.id,
                subnet_ids=[args.network.subnets[subnet].id for subnet in acl.subnets],
                ingress=[_said(aws.ec2.NetworkAclIngressArgs, entry) for entry in acl.ingress],
                egress=[_said(aws.ec2.NetworkAclEgressArgs, entry) for entry in acl.egress],
                tags={"Name": called(acl.name)},
                opts=known_as(self.child(), args.former, called, acl.name),
            )
        self.register_outputs({})


def _said(kind: type[_Argument], entry: Entry) -> _Argument:
    first, last, icmp = _ports(entry)
    return kind(
        rule_no=entry.number,
        action=_action(entry),
        protocol=_NUMBERS[entry.service.protocol],
        cidr_block=str(entry.block),
        from_port=first,
        to_port=last,
        icmp_type=icmp,
        icmp_code=icmp,
    )


def _action(entry: Entry) -> str:
    return "allow" if entry.allow else "deny"


def _ports(entry: Entry) -> tuple[int, int, int | None]:
    """First and last port, 0 where there are none, and the ICMP type and code, where it is ICMP."""
    icmp = entry.service.protocol is Protocol.ICMP
    return entry.service.first, entry.service.last, _ANY_TYPE if icmp else None
