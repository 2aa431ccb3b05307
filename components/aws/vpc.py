"""The network on AWS: one VPC, and a subnet for each segment in each zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from components.component import Component
from components.former import Former, known_as
from components.vpc import SegmentOutputs, SubnetOutputs, VpcOutputs
from twinvpc.addressing.plan import AwsPlan, SubnetPlan


@dataclass(frozen=True)
class VpcArgs:
    """What the network is to be.

    Attributes:
        cidr: block of the VPC.
        plan: all subnets with their addresses.
        internet: whether the VPC has an Internet gateway.
        resolver: whether AWS's resolver answers in the VPC; nobody there could be kept from it.
        private_names: whether names of AWS's services lead to endpoints in the VPC.
        former: names that a segment had before, so that its subnets are found in the state under any of them.
    """

    cidr: IPv4Network
    plan: AwsPlan
    internet: bool
    resolver: bool
    private_names: bool
    former: Former


class Vpc(Component):
    """The VPC with its subnets. Who may talk to whom is not said here: until it is, nothing passes.

    What AWS puts into every VPC would let everything pass: its default group, ACL and route table are taken over and
    emptied. No subnet gives out public addresses by itself. Names of resources come from segments and zones, never from
    a place in a list: what stays in the plan stays what it is.

    Attributes:
        outputs: what was built.
        vpc: the VPC.
        internet: its Internet gateway, if it has one.
        subnets: every subnet, those of no segment too, by its place in the plan.

    Creates:
        - `aws:ec2/vpc:Vpc`: one.
        - `aws:ec2/defaultSecurityGroup:DefaultSecurityGroup`: AWS's own, without rules.
        - `aws:ec2/defaultNetworkAcl:DefaultNetworkAcl`: AWS's own, without entries.
        - `aws:ec2/defaultRouteTable:DefaultRouteTable`: AWS's own, without routes.
        - `aws:ec2/internetGateway:InternetGateway`: one, where some segment has a way to the Internet.
        - `aws:ec2/subnet:Subnet`: one for each segment and zone, and those of NAT gateways and endpoints.
    """

    def __init__(self, name: str, args: VpcArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:aws:Vpc", name, opts)
        self.vpc = aws.ec2.Vpc(
            name,
            cidr_block=str(args.cidr),
            enable_dns_support=args.resolver,
            enable_dns_hostnames=args.private_names,
            tags={"Name": name},
            opts=self.child(),
        )
        self._empty_defaults(name)
        self.internet = self._internet(name) if args.internet else None
        every = (*args.plan.subnets, *args.plan.infrastructure)
        self.subnets: Mapping[SubnetPlan, aws.ec2.Subnet] = {one: self._subnet(name, one, args.former) for one in every}
        self.outputs = VpcOutputs(
            {
                segment: SegmentOutputs(tuple(self._output(one) for one in args.plan.of(segment)))
                for segment in dict.fromkeys(one.segment for one in args.plan.subnets)
            }
        )
        self.register_outputs({"vpc_id": self.vpc.id})

    def _empty_defaults(self, name: str) -> None:
        tags = {"Name": f"{name}-default"}
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=self.vpc.id, tags=tags, opts=self.child())
        aws.ec2.DefaultNetworkAcl(
            f"{name}-default",
            default_network_acl_id=self.vpc.default_network_acl_id,
            tags=tags,
            # AWS lists here whatever subnet is new and has no ACL yet; ours take them over.
            opts=pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(ignore_changes=["subnetIds"])),
        )
        aws.ec2.DefaultRouteTable(
            f"{name}-default",
            default_route_table_id=self.vpc.default_route_table_id,
            routes=[],
            tags=tags,
            opts=self.child(),
        )

    def _internet(self, name: str) -> aws.ec2.InternetGateway:
        return aws.ec2.InternetGateway(
            f"{name}-internet", vpc_id=self.vpc.id, tags={"Name": f"{name}-internet"}, opts=self.child()
        )

    def _subnet(self, name: str, subnet: SubnetPlan, former: Former) -> aws.ec2.Subnet:
        def called(segment: str) -> str:
            return f"{name}-{segment}-{subnet.zone}"

        return aws.ec2.Subnet(
            called(subnet.segment),
            vpc_id=self.vpc.id,
            cidr_block=str(subnet.cidr),
            availability_zone=subnet.zone,
            map_public_ip_on_launch=False,
            tags={"Name": called(subnet.segment)},
            opts=known_as(self._one_after_the_other(), former, called, subnet.segment),
        )

    def _one_after_the_other(self) -> pulumi.ResourceOptions:
        """A subnet that grows begins where it began: the old one has to go before the new one can come."""
        return pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(delete_before_replace=True))

    def _output(self, subnet: SubnetPlan) -> SubnetOutputs:
        return SubnetOutputs(str(subnet.cidr), str(subnet.cidr.network_address + 1), self.subnets[subnet].id)
