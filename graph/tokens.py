"""The one table of names between Pulumi and Terraform: what is not in it is refused.

Names are the same but for their spelling, `cidrBlock` and `cidr_block`; Pulumi's bridge makes plurals of repeated
blocks, and a plain object of a block that may stand once. So the table says for each type which properties there are
and which of them are blocks, and a name only where it is not the spelling alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique


@unique
class Form(Enum):
    """How a nested property is written in Terraform."""

    BLOCK = "block"
    OBJECTS = (
        "attribute that is a list of objects: in JSON each has to name every key (Terraform, attributes as blocks)"
    )


@dataclass(frozen=True)
class Nested:
    """A property that holds objects.

    Attributes:
        source: its name in camelCase.
        name: its name in Terraform.
        form: how it is written there.
        values: plain properties inside, in camelCase.
        nested: properties inside that hold objects.
    """

    source: str
    name: str
    form: Form
    values: frozenset[str]
    nested: tuple["Nested", ...] = ()


@dataclass(frozen=True)
class Target:
    """What a type is in Terraform.

    Attributes:
        type: Terraform's type.
        values: plain properties, in camelCase: text, numbers, switches, lists and maps of them.
        nested: properties that hold objects.
        kept_by: the switch by which Terraform leaves a resource where it is, if the type has one.
    """

    type: str
    values: frozenset[str]
    nested: tuple[Nested, ...] = ()
    kept_by: str = ""


@dataclass(frozen=True)
class Provider:
    """What a provider is in Terraform.

    Attributes:
        name: its local name.
        source: where Terraform finds it.
        version: which versions will do.
        target: its settings.
        left_out: settings that an export does not carry: credentials, and switches for runs without an account.
        as_json: settings that the engine's protocol carries as JSON text.
    """

    name: str
    source: str
    version: str
    target: Target
    left_out: frozenset[str] = frozenset()
    as_json: frozenset[str] = frozenset()


def snake(name: str) -> str:
    """`cidrBlock` as `cidr_block`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _block(source: str, values: str, *nested: Nested, name: str = "") -> Nested:
    return Nested(source, name or snake(source), Form.BLOCK, _words(values), nested)


def _objects(source: str, values: str, name: str = "") -> Nested:
    return Nested(source, name or snake(source), Form.OBJECTS, _words(values))


def _target(kind: str, values: str, *nested: Nested, kept_by: str = "") -> Target:
    return Target(kind, _words(values), nested, kept_by)


_ENTRY = "action cidrBlock fromPort icmpCode icmpType ipv6CidrBlock protocol ruleNo toPort"
_ROUTE = (
    "cidrBlock coreNetworkArn destinationPrefixListId egressOnlyGatewayId gatewayId instanceId ipv6CidrBlock "
    "natGatewayId networkInterfaceId transitGatewayId vpcEndpointId vpcPeeringConnectionId"
)
_INLINE = "cidrBlocks description fromPort ipv6CidrBlocks prefixListIds protocol securityGroups self toPort"
_RULE = "cidrIpv4 description fromPort ipProtocol referencedSecurityGroupId securityGroupId tags toPort"

TARGETS: Mapping[str, Target] = {
    "aws:ec2/vpc:Vpc": _target("aws_vpc", "cidrBlock enableDnsHostnames enableDnsSupport tags"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _target(
        "aws_default_security_group", "vpcId tags", _objects("ingress", _INLINE), _objects("egress", _INLINE)
    ),
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": _target(
        "aws_default_network_acl",
        "defaultNetworkAclId subnetIds tags",
        _objects("ingress", _ENTRY),
        _objects("egress", _ENTRY),
    ),
    "aws:ec2/defaultRouteTable:DefaultRouteTable": _target(
        "aws_default_route_table", "defaultRouteTableId tags", _objects("routes", _ROUTE, name="route")
    ),
    "aws:ec2/internetGateway:InternetGateway": _target("aws_internet_gateway", "vpcId tags"),
    "aws:ec2/subnet:Subnet": _target("aws_subnet", "availabilityZone cidrBlock mapPublicIpOnLaunch tags vpcId"),
    "aws:ec2/routeTable:RouteTable": _target("aws_route_table", "tags vpcId"),
    "aws:ec2/route:Route": _target("aws_route", "destinationCidrBlock gatewayId natGatewayId routeTableId"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _target(
        "aws_route_table_association", "routeTableId subnetId"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _target("aws_security_group", "description name tags vpcId"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _target("aws_vpc_security_group_ingress_rule", _RULE),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _target(
        "aws_vpc_security_group_egress_rule", f"{_RULE} prefixListId"
    ),
    "aws:ec2/networkAcl:NetworkAcl": _target(
        "aws_network_acl", "subnetIds tags vpcId", _objects("ingress", _ENTRY), _objects("egress", _ENTRY)
    ),
    "aws:ec2/eip:Eip": _target("aws_eip", "domain tags"),
    "aws:ec2/natGateway:NatGateway": _target("aws_nat_gateway", "allocationId connectivityType subnetId tags"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _target(
        "aws_vpc_endpoint",
        "policy privateDnsEnabled routeTableIds securityGroupIds serviceName subnetIds tags vpcEndpointType vpcId",
    ),
    "aws:ec2/flowLog:FlowLog": _target(
        "aws_flow_log",
        "iamRoleArn logDestination logDestinationType logFormat maxAggregationInterval tags trafficType vpcId",
    ),
    "aws:cloudwatch/logGroup:LogGroup": _target(
        "aws_cloudwatch_log_group", "name retentionInDays tags", kept_by="skip_destroy"
    ),
    "aws:iam/role:Role": _target("aws_iam_role", "assumeRolePolicy description name tags"),
    "aws:iam/rolePolicy:RolePolicy": _target("aws_iam_role_policy", "name policy role"),
    "libvirt:index/network:Network": _target(
        "libvirt_network",
        "addresses autostart bridge domain mode name",
        _block("dhcp", "enabled"),
        _block("dns", "enabled localOnly", _block("hosts", "hostname ip")),
        _block("dnsmasqOptions", "", _block("options", "optionName")),
        _block("xml", "xslt"),
    ),
    "libvirt:index/pool:Pool": _target("libvirt_pool", "name type", _block("target", "path")),
    "libvirt:index/volume:Volume": _target("libvirt_volume", "baseVolumeId format name pool size source"),
    "libvirt:index/cloudInitDisk:CloudInitDisk": _target(
        "libvirt_cloudinit_disk", "metaData name networkConfig pool userData"
    ),
    "libvirt:index/domain:Domain": _target(
        "libvirt_domain",
        "autostart cloudinit machine memory name type vcpu",
        _block("consoles", "targetPort targetType type", name="console"),
        _block("cpu", "mode"),
        _block("disks", "volumeId", name="disk"),
        _block("graphics", "listenType type"),
        _block("networkInterfaces", "addresses hostname mac networkId waitForLease", name="network_interface"),
        _block("video", "type"),
        _block("xml", "xslt"),
    ),
}
"""What each type is in Terraform, by Pulumi's token."""

PROVIDERS: Mapping[str, Provider] = {
    # pulumi-aws 7.37 was made from 6.54, and the one in requirements.txt from a later 6.
    "pulumi:providers:aws": Provider(
        "aws",
        "hashicorp/aws",
        "~> 6.54",
        _target("aws", "region", _block("defaultTags", "tags")),
        left_out=_words(
            "accessKey secretKey skipCredentialsValidation skipMetadataApiCheck skipRegionValidation "
            "skipRequestingAccountId"
        ),
        as_json=_words("defaultTags"),
    ),
    # The one that the plugin in sandbox/engine/libvirt is made from.
    "pulumi:providers:libvirt": Provider("libvirt", "dmacvicar/libvirt", "0.8.3", _target("libvirt", "uri")),
}
"""Providers by Pulumi's token."""

ABSENT: Mapping[str, str] = {
    "pulumi:providers:twin-host": "the provider of the other two",
    "twin-host:index:NetworkPolicy": "the policy: tables, routing rules, kernel settings and firewalld's part",
    "twin-host:index:NetworkWatch": "the watch over networks and pools",
}
"""Types of our own provider: Terraform has none of them, so an export names them as missing."""
