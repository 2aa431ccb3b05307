"""Where packets of each subnet go."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.policies import s3_layers
from components.aws.vpc import Vpc
from components.component import Component
from components.former import Former, known_as
from twinvpc.addressing.plan import SubnetPlan
from twinvpc.model.aws import NAT, Egress
from twinvpc.policy.aws_groups import ANYWHERE
from twinvpc.policy.aws_routes import RouteTable


@dataclass(frozen=True)
class RoutingArgs:
    """What leads where.

    Attributes:
        network: the VPC and its subnets.
        tables: all route tables.
        region: AWS's region.
        former: names that a segment had before.
    """

    network: Vpc
    tables: tuple[RouteTable, ...]
    region: str
    former: Former


class Routing(Component):
    """A route table for each segment, or one in each zone where NAT gateways differ; each subnet has its table by name.

    A table without a way out has no route at all but AWS's own inside the VPC.

    Attributes:
        nat_addresses: public address of each NAT gateway, by zone.
        s3_prefixes: id of AWS's list of S3's addresses, where some segment has endpoints.

    Creates:
        - `aws:ec2/routeTable:RouteTable`: the tables.
        - `aws:ec2/routeTableAssociation:RouteTableAssociation`: one for each subnet.
        - `aws:ec2/route:Route`: the way out of each table that has one.
        - `aws:ec2/eip:Eip`: the address of each NAT gateway.
        - `aws:ec2/natGateway:NatGateway`: one, or one in each zone, where some segment leaves by it.
        - `aws:ec2/vpcEndpoint:VpcEndpoint`: the way to S3, a route, where some segment has endpoints.
    """

    def __init__(self, name: str, args: RoutingArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:aws:Routing", name, opts)
        self._name, self._args = name, args
        places = [subnet for table in args.tables for subnet in table.subnets if subnet.segment == NAT]
        addresses = {subnet.zone: self._address(subnet) for subnet in places}
        self._nats = {subnet.zone: self._nat(subnet, addresses[subnet.zone]) for subnet in places}
        made = [(plan, self._table(plan)) for plan in args.tables]
        served = [table.id for plan, table in made if plan.way is Egress.ENDPOINTS]
        self.nat_addresses: Mapping[str, pulumi.Output[str]] = {z: one.public_ip for z, one in addresses.items()}
        self.s3_prefixes = self._s3(served).prefix_list_id if served else None
        self.register_outputs({"nat_addresses": self.nat_addresses})

    def _table(self, plan: RouteTable) -> aws.ec2.RouteTable:
        def called(segment: str) -> str:
            return f"{self._name}-{segment}-{plan.zone}" if plan.zone else f"{self._name}-{segment}"

        def way_out(segment: str) -> str:
            return f"{called(segment)}-out"

        table = aws.ec2.RouteTable(
            called(plan.name),
            vpc_id=self._args.network.vpc.id,
            tags={"Name": called(plan.name)},
            opts=known_as(self.child(), self._args.former, called, plan.name),
        )
        if plan.way in {Egress.GATEWAY, Egress.NAT}:
            internet, nat = self._args.network.internet, self._nats[plan.nat_zone] if plan.nat_zone else None
            aws.ec2.Route(
                way_out(plan.name),
                route_table_id=table.id,
                destination_cidr_block=str(ANYWHERE),
                gateway_id=internet.id if internet and not nat else None,
                nat_gateway_id=nat.id if nat else None,
                opts=known_as(self.child(), self._args.former, way_out, plan.name),
            )
        for subnet in plan.subnets:
            self._association(subnet, table)
        return table

    def _association(self, subnet: SubnetPlan, table: aws.ec2.RouteTable) -> None:
        def called(segment: str) -> str:
            return f"{self._name}-{segment}-{subnet.zone}"

        aws.ec2.RouteTableAssociation(
            called(subnet.segment),
            route_table_id=table.id,
            subnet_id=self._args.network.subnets[subnet].id,
            opts=known_as(self.child(), self._args.former, called, subnet.segment),
        )

    def _address(self, subnet: SubnetPlan) -> aws.ec2.Eip:
        called = f"{self._name}-{NAT}-{subnet.zone}"
        return aws.ec2.Eip(called, domain="vpc", tags={"Name": called}, opts=self._behind_the_gateway())

    def _nat(self, subnet: SubnetPlan, address: aws.ec2.Eip) -> aws.ec2.NatGateway:
        called = f"{self._name}-{NAT}-{subnet.zone}"
        return aws.ec2.NatGateway(
            called,
            allocation_id=address.id,
            connectivity_type="public",
            subnet_id=self._args.network.subnets[subnet].id,
            tags={"Name": called},
            opts=self._behind_the_gateway(),
        )

    def _behind_the_gateway(self) -> pulumi.ResourceOptions:
        """AWS gives public addresses to a VPC with an Internet gateway only, and takes the gateway away after them."""
        internet = self._args.network.internet
        after = [internet] if internet else []
        return pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(depends_on=after))

    def _s3(self, tables: list[pulumi.Output[str]]) -> aws.ec2.VpcEndpoint:
        called = f"{self._name}-s3"
        return aws.ec2.VpcEndpoint(
            called,
            vpc_id=self._args.network.vpc.id,
            service_name=f"com.amazonaws.{self._args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=tables,
            policy=s3_layers(self._args.region),
            tags={"Name": called},
            opts=self.child(),
        )
