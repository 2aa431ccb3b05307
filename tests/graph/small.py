"""A small network of the tests' own that uses every type of an AWS stack, with the provider as stacks have it."""

import json

import pulumi
import pulumi_aws as aws

OFFLINE = "offline"
ENTRY = {"from_port": 0, "to_port": 0, "protocol": "-1", "action": "allow"}


def program() -> None:
    """Register it."""
    provider = aws.Provider(
        "aws",
        region="ap-northeast-1",
        default_tags=aws.ProviderDefaultTagsArgs(tags={"environment": "test", "project": "twin-vpc"}),
        access_key=OFFLINE,
        secret_key=OFFLINE,
        skip_credentials_validation=True,
    )
    opts = pulumi.ResourceOptions(provider=provider)
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags=_named("vpc"), opts=opts)
    closed(vpc, opts)
    gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, tags=_named("gateway"), opts=opts)
    subnets = {
        name: aws.ec2.Subnet(
            f"{name}-ap-northeast-1a",
            vpc_id=vpc.id,
            cidr_block=block,
            availability_zone="ap-northeast-1a",
            map_public_ip_on_launch=False,
            tags=_named(name),
            opts=opts,
        )
        for name, block in {"web": "10.0.1.0/24", "nat": "10.0.2.0/28"}.items()
    }
    address = aws.ec2.Eip("nat", domain="vpc", tags=_named("nat"), opts=opts)
    nat = aws.ec2.NatGateway(
        "nat",
        allocation_id=address.allocation_id,
        subnet_id=subnets["nat"].id,
        tags=_named("nat"),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[gateway])),
    )
    routes(vpc, subnets, gateway, nat, opts)
    filters(vpc, subnets, opts)
    logs(vpc, opts)
    pulumi.export("vpc_id", vpc.id)
    pulumi.export("subnets", {name: subnet.id for name, subnet in subnets.items()})


def closed(vpc: aws.ec2.Vpc, opts: pulumi.ResourceOptions) -> None:
    """What every VPC is born with, emptied."""
    aws.ec2.DefaultSecurityGroup("default", vpc_id=vpc.id, tags=_named("default"), opts=opts)
    aws.ec2.DefaultNetworkAcl(
        "default", default_network_acl_id=vpc.default_network_acl_id, tags=_named("default"), opts=opts
    )
    aws.ec2.DefaultRouteTable(
        "default", default_route_table_id=vpc.default_route_table_id, routes=[], tags=_named("default"), opts=opts
    )


def routes(
    vpc: aws.ec2.Vpc,
    subnets: dict[str, aws.ec2.Subnet],
    gateway: aws.ec2.InternetGateway,
    nat: aws.ec2.NatGateway,
    opts: pulumi.ResourceOptions,
) -> None:
    """One table a subnet, each with a default route."""
    for name, subnet in subnets.items():
        table = aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=_named(name), opts=opts)
        aws.ec2.RouteTableAssociation(name, route_table_id=table.id, subnet_id=subnet.id, opts=opts)
        aws.ec2.Route(
            f"{name}-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id if name == "nat" else None,
            nat_gateway_id=nat.id if name == "web" else None,
            opts=opts,
        )
        if name == "web":
            aws.ec2.VpcEndpoint(
                "s3",
                vpc_id=vpc.id,
                service_name="com.amazonaws.ap-northeast-1.s3",
                vpc_endpoint_type="Gateway",
                route_table_ids=[table.id],
                tags=_named("s3"),
                opts=opts,
            )


def filters(vpc: aws.ec2.Vpc, subnets: dict[str, aws.ec2.Subnet], opts: pulumi.ResourceOptions) -> None:
    """A group whose members talk to each other, and an ACL for both subnets."""
    group = aws.ec2.SecurityGroup("web", description="segment web", vpc_id=vpc.id, tags=_named("web"), opts=opts)
    rule = {"security_group_id": group.id, "referenced_security_group_id": group.id, "ip_protocol": "tcp"}
    for kind in (aws.vpc.SecurityGroupIngressRule, aws.vpc.SecurityGroupEgressRule):
        kind("web-web", **rule, from_port=443, to_port=443, description="inside web", tags=_named("web"), opts=opts)
    aws.vpc.SecurityGroupIngressRule(
        "nat-web",
        security_group_id=group.id,
        cidr_ipv4="10.0.2.0/28",
        ip_protocol="-1",
        description="web from where nat stands",
        opts=opts,
    )
    entries = [{"rule_no": 100, "cidr_block": "10.0.1.0/24", **ENTRY}]
    aws.ec2.NetworkAcl(
        "web",
        vpc_id=vpc.id,
        subnet_ids=[subnet.id for subnet in subnets.values()],
        ingress=[aws.ec2.NetworkAclIngressArgs(**entry) for entry in entries],
        egress=[aws.ec2.NetworkAclEgressArgs(**entry) for entry in entries],
        tags=_named("web"),
        opts=opts,
    )


def logs(vpc: aws.ec2.Vpc, opts: pulumi.ResourceOptions) -> None:
    """Flow logs, their group, and the role that writes them."""
    group = aws.cloudwatch.LogGroup("flows", name="/twin-vpc/flows", retention_in_days=30, tags=_named("f"), opts=opts)
    trust = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = aws.iam.Role("flows", assume_role_policy=_policy(trust), tags=_named("flows"), opts=opts)
    may = {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": pulumi.Output.concat(group.arn, ":*")}
    policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [may]})
    aws.iam.RolePolicy("flows", role=role.id, policy=policy, opts=opts)
    aws.ec2.FlowLog(
        "flows",
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        log_format="${version} ${action}",
        iam_role_arn=role.arn,
        tags=_named("flows"),
        opts=opts,
    )


def _policy(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _named(name: str) -> dict[str, str]:
    return {"Name": name}
