"""A small VPC as the program would register it: every kind of resource that decides about packets."""

from twinvpc.proof.aws.resources import Reference, Resource

REGION = "ap-northeast-1"
S3 = f"com.amazonaws.{REGION}.s3"
ECR = f"com.amazonaws.{REGION}.ecr.api"

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
LINK = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ACL = "aws:ec2/networkAcl:NetworkAcl"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
MAIN_TABLE = "aws:ec2/defaultRouteTable:DefaultRouteTable"
DEFAULT_ACL = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"


def ref(token: str, key: str, output: str = "id") -> str:
    return str(Reference(token, key, output))


def made(token: str, key: str, **inputs: object) -> Resource:
    return Resource(token, key, {"vpcId": ref(VPC, "vpc"), "tags": {"Name": key}, **inputs})


def row(number: float, protocol: str, ports: tuple[int, int] = (0, 0), **more: object) -> dict[str, object]:
    span = {"fromPort": ports[0], "toPort": ports[1]}
    return {"ruleNo": number, "protocol": protocol, "action": "allow", "cidrBlock": "10.0.0.0/16", **span, **more}


ALL_ICMP = {"icmpType": -1, "icmpCode": -1}
IN_ROWS = [row(100.0, "-1"), row(110, "tcp", (22, 22), action="deny", cidrBlock="0.0.0.0/0")]
OUT_ROWS = [row(100, "icmp", **ALL_ICMP), row(120, "udp", (32768, 60999))]

WEB, DB = {"securityGroupId": ref(GROUP, "web")}, {"securityGroupId": ref(GROUP, "db")}
POSTGRES = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5433, "description": "database"}
HTTPS = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
PING = {"ipProtocol": "icmp", "fromPort": -1, "toPort": -1}

RESOURCES = (
    Resource("pulumi:pulumi:Stack", "aws"),
    Resource(VPC, "vpc", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "vpc"}}),
    made(SUBNET, "web-a", cidrBlock="10.0.1.0/24", availabilityZone=f"{REGION}a"),
    made(SUBNET, "db-c", cidrBlock="10.0.2.0/24", availabilityZone=f"{REGION}c"),
    made(SUBNET, "nat-a", cidrBlock="10.0.3.0/28", availabilityZone=f"{REGION}a"),
    Resource(MAIN_TABLE, "main", {"defaultRouteTableId": ref(VPC, "vpc", "defaultRouteTableId"), "routes": []}),
    Resource(DEFAULT_ACL, "default", {"defaultNetworkAclId": ref(VPC, "vpc", "defaultNetworkAclId")}),
    Resource(DEFAULT_GROUP, "default", {"vpcId": ref(VPC, "vpc")}),
    made(GATEWAY, "gateway"),
    Resource(EIP, "nat", {"domain": "vpc"}),
    made(NAT, "nat", vpcId=None, subnetId=ref(SUBNET, "nat-a"), allocationId=ref(EIP, "nat")),
    made(TABLE, "web"),
    made(TABLE, "nat"),
    Resource(
        ROUTE,
        "web",
        {"routeTableId": ref(TABLE, "web"), "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": ref(NAT, "nat")},
    ),
    Resource(
        ROUTE,
        "nat",
        {"routeTableId": ref(TABLE, "nat"), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": ref(GATEWAY, "gateway")},
    ),
    Resource(LINK, "web", {"routeTableId": ref(TABLE, "web"), "subnetId": ref(SUBNET, "web-a")}),
    Resource(LINK, "nat", {"routeTableId": ref(TABLE, "nat"), "subnetId": ref(SUBNET, "nat-a")}),
    made(ACL, "web", subnetIds=[ref(SUBNET, "web-a")], ingress=IN_ROWS, egress=OUT_ROWS),
    Resource(GROUP, "web", {"vpcId": ref(VPC, "vpc"), "name": "web-sg", "tags": {"Name": "web"}}),
    made(GROUP, "db"),
    Resource(EGRESS, "1", {**WEB, "referencedSecurityGroupId": ref(GROUP, "db"), **POSTGRES}),
    Resource(EGRESS, "2", {**WEB, "cidrIpv4": "0.0.0.0/0", **PING}),
    Resource(EGRESS, "3", {**WEB, "prefixListId": ref(ENDPOINT, "s3", "prefixListId"), **HTTPS}),
    Resource(INGRESS, "1", {**DB, "referencedSecurityGroupId": ref(GROUP, "web"), "ipProtocol": "-1"}),
    made(ENDPOINT, "s3", serviceName=S3, vpcEndpointType="Gateway", routeTableIds=[ref(TABLE, "web")]),
    made(
        ENDPOINT, "ecr", serviceName=ECR, vpcEndpointType="Interface", subnetIds=[ref(SUBNET, "db-c")],
        securityGroupIds=[ref(GROUP, "db")], privateDnsEnabled=True,
    ),
    Resource("aws:cloudwatch/logGroup:LogGroup", "flows"),
    Resource("twin-vpc:aws:Vpc", "vpc"),
)  # fmt: skip
