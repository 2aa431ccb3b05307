"""What the program registers is read in full, or refused by name."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.proof.aws.registered import (
    ACL,
    DEFAULT_ACL,
    DEFAULT_GROUP,
    EGRESS,
    ENDPOINT,
    GROUP,
    LINK,
    MAIN_TABLE,
    NAT,
    RESOURCES,
    ROUTE,
    S3,
    SUBNET,
    TABLE,
    VPC,
    ref,
    row,
)  # fmt: skip
from twinvpc.model.services import Protocol
from twinvpc.proof.aws.by_aws import DEFAULT_ACL as ALLOWS_ALL
from twinvpc.proof.aws.by_aws import DEFAULT_GROUP as OPENS_ALL
from twinvpc.proof.aws.errors import GraphError
from twinvpc.proof.aws.from_resources import graph
from twinvpc.proof.aws.resources import Reference, Resource, reference


def changed(token: str, name: str, **inputs: object) -> list[Resource]:
    assert any((one.token, one.name) == (token, name) for one in RESOURCES)
    return [
        replace(one, inputs={**one.inputs, **inputs}) if (one.token, one.name) == (token, name) else one
        for one in RESOURCES
    ]


def without(token: str) -> list[Resource]:
    return [one for one in RESOURCES if one.token != token]


def test_a_reference_reads_as_it_is_written() -> None:
    one = Reference("aws:ec2/vpc:Vpc", "vpc", "id")
    assert str(one) == "ref:aws:ec2/vpc:Vpc::vpc#id"
    assert reference(str(one)) == one
    assert reference("vpc-123") is reference(17) is reference(f"arn:{one}") is None


def test_names_are_the_tags() -> None:
    found = graph(RESOURCES)
    assert [one.key for one in found.subnets] == ["db-c", "nat-a", "web-a"]
    assert [str(rule) for one in found.groups if one.key == "web" for rule in one.rules] == [
        "egress icmp to 0.0.0.0/0",
        "egress tcp/443 to prefix list com.amazonaws.ap-northeast-1.s3",
        "egress tcp/5432-5433 to group db",
    ]


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ([*RESOURCES, Resource("aws:ec2/vpcPeeringConnection:VpcPeeringConnection", "x")], "VpcPeeringConnection"),
        ([*RESOURCES, Resource("docker:index/network:Network", "x")], "docker:index/network:Network"),
        ([*RESOURCES, RESOURCES[2]], "a second resource"),
        ([*RESOURCES, replace(RESOURCES[2], name="twin")], "two subnets are called web-a"),
        ([*RESOURCES, Resource(VPC, "more", {"cidrBlock": "10.1.0.0/16"})], "2 resources"),
        (without(VPC), "0 resources"),
        (changed(SUBNET, "web-a", ipv6CidrBlock="::/64"), "ipv6CidrBlock"),
        (changed(SUBNET, "web-a", cidrBlock="10.0.1.1/24"), "an IPv4 block"),
        (changed(SUBNET, "web-a", cidrBlock=None), "`cidrBlock` is missing"),
        (changed(TABLE, "web", routes=[{"cidrBlock": "0.0.0.0/0"}]), "routes"),
        (changed(TABLE, "web", propagatingVgws=["vgw-1"]), "propagatingVgws"),
        (changed(MAIN_TABLE, "main", routes=[{"cidrBlock": "0.0.0.0/0"}]), "routes"),
        (changed(ROUTE, "web", vpcEndpointId="x"), "vpcEndpointId"),
        (changed(ROUTE, "web", natGatewayId="nat-1"), "natGatewayId.*nat-1"),
        (changed(ROUTE, "web", natGatewayId=ref(NAT, "gone")), "gone"),
        (changed(ROUTE, "web", natGatewayId=ref(SUBNET, "web-a")), "natGatewayId"),
        (changed(LINK, "web", gatewayId="x"), "gatewayId"),
        (changed(LINK, "nat", subnetId=ref(SUBNET, "web-a")), "two associations with a route table"),
        (changed(GROUP, "web", ingress=[{"protocol": "-1"}]), "ingress"),
        (changed(DEFAULT_GROUP, "default", egress=[{"protocol": "-1"}]), "egress"),
        (changed(EGRESS, "2", cidrIpv6="::/0"), "cidrIpv6"),
        (changed(EGRESS, "2", cidrIpv4=None), "0 peers"),
        (changed(EGRESS, "2", prefixListId=ref(ENDPOINT, "s3", "prefixListId")), "2 peers"),
        (changed(EGRESS, "3", prefixListId=ref(ENDPOINT, "s3")), "prefixListId"),
        (changed(EGRESS, "3", fromPort=None), "fromPort"),
        (changed(EGRESS, "3", fromPort=444), "ports 444 to 443"),
        (changed(EGRESS, "3", ipProtocol="47"), "protocol 47"),
        (changed(EGRESS, "2", toPort=3, fromPort=3), "ICMP type 3 with code 3"),
        (changed(ACL, "web", ingress=[row(1, "-1", ipv6CidrBlock="::/0")]), "ipv6CidrBlock"),
        (changed(ACL, "web", ingress=[row(1, "-1"), row(1, "-1")]), "two entries of web"),
        (changed(ACL, "web", ingress=[row(1, "-1", action="maybe")]), "maybe"),
        (changed(ACL, "web", ingress=[row(1.5, "-1")]), "whole number"),
        (changed(ACL, "web", ingress=["all"]), "groups of values"),
        (changed(NAT, "nat", connectivityType="private"), "private"),
        (changed(ENDPOINT, "s3", vpcEndpointType="GatewayLoadBalancer"), "GatewayLoadBalancer"),
        (changed(ENDPOINT, "ecr", subnetConfigurations=[{"subnetId": "x"}]), "subnetConfigurations"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(resources: Sequence[Resource], words: str) -> None:
    with pytest.raises(GraphError, match=words):
        graph(resources)


def test_what_says_nothing_is_no_matter() -> None:
    assert graph(changed(TABLE, "web", routes=[], propagatingVgws=None)) == graph(RESOURCES)
    assert graph(changed(SUBNET, "web-a", enableDns64=False, mapPublicIpOnLaunch=True)) == graph(RESOURCES)


def test_what_nobody_adopts_is_as_aws_makes_it() -> None:
    assert [one for one in graph(without(DEFAULT_ACL)).acls if one.default] == [ALLOWS_ALL]
    assert [one for one in graph(without(DEFAULT_GROUP)).groups if one.key == "default"] == [OPENS_ALL]
    assert [one.key for one in graph(without(MAIN_TABLE)).tables if one.main] == ["main"]


def test_an_icmp_entry_that_names_no_type_lets_echo_replies_through_and_nothing_else() -> None:
    with pytest.raises(GraphError, match="ICMP type 0 with code 0"):
        graph(changed(ACL, "web", ingress=[row(1, "icmp")]))
    found = graph(changed(ACL, "web", ingress=[row(1, "icmp", icmpCode=-1)], egress=[]))
    assert [(one.protocol, one.first, one.last) for acl in found.acls for one in acl.entries] == [(Protocol.ICMP, 0, 0)]


def test_a_nat_gateway_without_an_address_does_not_work_and_a_gateway_without_a_vpc_is_none() -> None:
    assert not graph(changed(NAT, "nat", allocationId=None)).nats[0].working
    assert graph(changed("aws:ec2/internetGateway:InternetGateway", "gateway", vpcId=None)).gateways == ()


def test_a_prefix_list_is_known_by_its_service() -> None:
    assert S3 in {rule.peer.key for one in graph(RESOURCES).groups for rule in one.rules}
