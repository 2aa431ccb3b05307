"""The same VPC, once as registered resources and once as an account describes it, is the same graph."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from tests.proof.aws.registered import ECR, REGION, RESOURCES, S3
from twinvpc.proof.aws import from_describe, from_resources
from twinvpc.proof.aws.errors import GraphError
from twinvpc.proof.aws.from_describe import Described
from twinvpc.proof.aws.graph import AwsGraph

ROUTE = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}
ENTRY = {"RuleNumber": 1, "CidrBlock": "0.0.0.0/0", "Protocol": "-1", "RuleAction": "allow"}


@dataclass(frozen=True)
class Account:
    """The VPC of `RESOURCES`, made by plain calls."""

    ec2: BaseClient
    vpc: str

    def described(self) -> Described:
        ec2 = self.ec2
        return Described(
            ec2.describe_vpcs()["Vpcs"], ec2.describe_subnets()["Subnets"], ec2.describe_route_tables()["RouteTables"],
            ec2.describe_network_acls()["NetworkAcls"], ec2.describe_security_groups()["SecurityGroups"],
            ec2.describe_security_group_rules()["SecurityGroupRules"],
            ec2.describe_internet_gateways()["InternetGateways"], ec2.describe_nat_gateways()["NatGateways"],
            ec2.describe_vpc_endpoints()["VpcEndpoints"], ec2.describe_prefix_lists()["PrefixLists"],
        )  # fmt: skip

    def graph(self) -> AwsGraph:
        return from_describe.graph(self.described(), self.vpc)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """One account for all: tests may add to it, and compare with what was there before."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patched.setenv(name, "testing")
        ec2 = boto3.client("ec2", region_name=REGION)
        yield Account(ec2, _vpc(ec2))


@pytest.fixture(scope="module")
def described(account: Account) -> Described:
    """What it says at first."""
    return account.described()


def _tag(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def _vpc(ec2: BaseClient) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        name: ec2.create_subnet(
            VpcId=vpc, CidrBlock=cidr, AvailabilityZone=REGION + zone, TagSpecifications=_tag("subnet", name)
        )["Subnet"]["SubnetId"]
        for name, cidr, zone in (
            ("web-a", "10.0.1.0/24", "a"),
            ("db-c", "10.0.2.0/24", "c"),
            ("nat-a", "10.0.3.0/28", "a"),
        )
    }
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    for egress in (False, True):
        ec2.delete_network_acl_entry(NetworkAclId=acls[0]["NetworkAclId"], RuleNumber=100, Egress=egress)
    tables = _routes(ec2, vpc, subnets)
    _acl(ec2, vpc, acls[0]["Associations"], subnets)
    groups = _groups(ec2, vpc)
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=S3,
        VpcEndpointType="Gateway",
        RouteTableIds=[tables["web"]],
        TagSpecifications=_tag("vpc-endpoint", "s3"),
    )
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=ECR,
        VpcEndpointType="Interface",
        SubnetIds=[subnets["db-c"]],
        SecurityGroupIds=[groups["db"]],
        PrivateDnsEnabled=True,
        TagSpecifications=_tag("vpc-endpoint", "ecr"),
    )
    return vpc


def _routes(ec2: BaseClient, vpc: str, subnets: dict[str, str]) -> dict[str, str]:
    gateway = ec2.create_internet_gateway(TagSpecifications=_tag("internet-gateway", "gateway"))["InternetGateway"][
        "InternetGatewayId"
    ]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(
        SubnetId=subnets["nat-a"], AllocationId=address, TagSpecifications=_tag("natgateway", "nat")
    )["NatGateway"]["NatGatewayId"]
    tables: dict[str, str] = {}
    for name, home, target in (("web", "web-a", {"NatGatewayId": nat}), ("nat", "nat-a", {"GatewayId": gateway})):
        tables[name] = ec2.create_route_table(VpcId=vpc, TagSpecifications=_tag("route-table", name))["RouteTable"][
            "RouteTableId"
        ]
        ec2.create_route(RouteTableId=tables[name], DestinationCidrBlock="0.0.0.0/0", **target)
        ec2.associate_route_table(RouteTableId=tables[name], SubnetId=subnets[home])
    return tables


def _acl(ec2: BaseClient, vpc: str, associations: list[dict[str, str]], subnets: dict[str, str]) -> None:
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=_tag("network-acl", "web"))["NetworkAcl"]["NetworkAclId"]
    link = next(one["NetworkAclAssociationId"] for one in associations if one["SubnetId"] == subnets["web-a"])
    ec2.replace_network_acl_association(AssociationId=link, NetworkAclId=acl)
    for number, protocol, action, egress, cidr, more in (
        (100, "-1", "allow", False, "10.0.0.0/16", {}),
        (110, "6", "deny", False, "0.0.0.0/0", {"PortRange": {"From": 22, "To": 22}}),
        (100, "1", "allow", True, "10.0.0.0/16", {"IcmpTypeCode": {"Type": -1, "Code": -1}}),
        (120, "17", "allow", True, "10.0.0.0/16", {"PortRange": {"From": 32768, "To": 60999}}),
    ):
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol=protocol,
            RuleAction=action,
            Egress=egress,
            CidrBlock=cidr,
            **more,
        )


def _groups(ec2: BaseClient, vpc: str) -> dict[str, str]:
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    groups = {
        "default": ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0][
            "GroupId"
        ]
    }
    for name in ("web", "db"):
        groups[name] = ec2.create_security_group(
            VpcId=vpc, GroupName=name, Description=name, TagSpecifications=_tag("security-group", name)
        )["GroupId"]
    for key in groups.values():
        ec2.revoke_security_group_egress(GroupId=key, IpPermissions=everything)
    listed = next(
        one["PrefixListId"] for one in ec2.describe_prefix_lists()["PrefixLists"] if one["PrefixListName"] == S3
    )
    ec2.authorize_security_group_egress(GroupId=groups["web"], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5433, "UserIdGroupPairs": [{"GroupId": groups["db"]}]},
        {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": listed}]},
    ])  # fmt: skip
    ec2.authorize_security_group_ingress(
        GroupId=groups["db"], IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": groups["web"]}]}]
    )
    return groups


def test_before_deployment_and_in_the_account_it_is_the_same_graph(account: Account, described: Described) -> None:
    assert from_describe.graph(described, account.vpc) == from_resources.graph(RESOURCES)


def test_another_vpc_beside_it_changes_nothing(account: Account) -> None:
    before = account.graph()
    other = account.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    account.ec2.create_subnet(VpcId=other, CidrBlock="10.0.1.0/24")
    assert account.graph() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda ec2, vpc: ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.7.0/24"),
        lambda ec2, vpc: ec2.create_route_table(VpcId=vpc),
        lambda ec2, vpc: ec2.create_network_acl(VpcId=vpc),
        lambda ec2, vpc: ec2.create_security_group(VpcId=vpc, GroupName="more", Description="more"),
    ],
)  # fmt: skip
def test_what_somebody_adds_by_hand_is_in_the_graph(
    account: Account, change: Callable[[BaseClient, str], object]
) -> None:
    before = account.graph()
    change(account.ec2, account.vpc)
    assert account.graph() != before


def test_a_vpc_that_is_not_there_is_an_error(described: Described) -> None:
    with pytest.raises(GraphError, match="vpc-none"):
        from_describe.graph(described, "vpc-none")


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("route_tables", {"Routes": [{**ROUTE, "TransitGatewayId": "tgw-1"}]}, "TransitGatewayId"),
        ("route_tables", {"Routes": [{"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"}]}, "Ipv6"),
        ("route_tables", {"Routes": [{**ROUTE, "GatewayId": "vgw-1"}]}, "vgw-1"),
        ("route_tables", {"PropagatingVgws": [{"GatewayId": "vgw-1"}]}, "PropagatingVgws"),
        ("network_acls", {"Entries": [{**ENTRY, "Ipv6CidrBlock": "::/0"}]}, "Ipv6"),
        ("network_acls", {"Entries": [{**ENTRY, "Protocol": "47"}]}, "47"),
        ("subnets", {"Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "::/64"}]}, "IPv6"),
        ("nat_gateways", {"ConnectivityType": "private"}, "private"),
        ("vpc_endpoints", {"VpcEndpointType": "GatewayLoadBalancer"}, "GatewayLoadBalancer"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_and_never_ignored(
    account: Account, described: Described, name: str, more: dict[str, Any], words: str
) -> None:
    changed = [{**one, **more} if one["VpcId"] == account.vpc else one for one in getattr(described, name)]
    with pytest.raises(GraphError, match=words):
        from_describe.graph(replace(described, **{name: changed}), account.vpc)


def test_a_rule_about_ipv6_is_refused(account: Account, described: Described) -> None:
    rules = [{**one, "CidrIpv6": "::/0"} for one in described.security_group_rules]
    with pytest.raises(GraphError, match="CidrIpv6"):
        from_describe.graph(replace(described, security_group_rules=rules), account.vpc)


def test_a_blackhole_and_a_gateway_that_is_gone_lead_nowhere(account: Account, described: Described) -> None:
    tables = [
        {
            **one,
            "Routes": [
                {**route, "State": "blackhole"} if route.get("NatGatewayId") else route for route in one["Routes"]
            ],
        }
        for one in described.route_tables
    ]
    nats = [{**one, "State": "deleted"} for one in described.nat_gateways]
    graph = from_describe.graph(replace(described, route_tables=tables, nat_gateways=nats), account.vpc)
    assert [str(route) for one in graph.tables for route in one.routes if one.key == "web"] == ["0.0.0.0/0 → blackhole"]
    assert graph.nats == ()


def test_awss_own_last_entry_is_no_entry_of_ours(account: Account, described: Described) -> None:
    last = {"RuleNumber": 32767, "CidrBlock": "0.0.0.0/0", "Protocol": "-1", "RuleAction": "deny", "Egress": False}
    acls = [{**one, "Entries": [*one["Entries"], last]} for one in described.network_acls]
    assert from_describe.graph(replace(described, network_acls=acls), account.vpc) == from_resources.graph(RESOURCES)
