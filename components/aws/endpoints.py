"""What a container task needs of AWS, inside the VPC: image layers, logs, secrets."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.policies import Where, endpoint_policy
from components.component import Component
from twinvpc.model.aws import ENDPOINT_SERVICES


@dataclass(frozen=True)
class EndpointsArgs:
    """Where endpoints stand.

    Attributes:
        vpc_id: the VPC.
        subnet_ids: their subnets, one in each zone.
        group_id: their security group.
        where: region and account.
    """

    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Output[str]]
    group_id: pulumi.Output[str]
    where: Where


class Endpoints(Component):
    """Interface endpoints, each of which grants no more than a task needs; names of the services lead to them.

    Creates:
        - `aws:ec2/vpcEndpoint:VpcEndpoint`: one for each service.
    """

    def __init__(self, name: str, args: EndpointsArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:aws:Endpoints", name, opts)
        for service in ENDPOINT_SERVICES:
            called = f"{name}-{service.replace('.', '-')}"
            aws.ec2.VpcEndpoint(
                called,
                vpc_id=args.vpc_id,
                service_name=f"com.amazonaws.{args.where.region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=args.subnet_ids,
                security_group_ids=[args.group_id],
                private_dns_enabled=True,
                policy=endpoint_policy(service, args.where),
                tags={"Name": called},
                opts=self.child(),
            )
        self.register_outputs({})
