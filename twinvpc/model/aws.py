"""Pulumi.<stack>.yaml of an AWS stack: what only AWS knows. So far its network part."""

import re
from enum import StrEnum, unique
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from twinvpc.model.base import Block, ConfigModel, Name
from twinvpc.model.problems import Rejected, shown

# AWS has closed this zone to accounts opened since; naming it makes every subnet of it fail at create.
CLOSED_ZONES = frozenset({"ap-northeast-1b"})
LARGEST_BLOCK, SMALLEST_BLOCK = 16, 28
"""Prefix lengths that AWS allows for a VPC and for a subnet (Amazon VPC user guide, CIDR blocks)."""
NAT, ENDPOINTS = "nat", "endpoints"
"""What subnets that belong to no segment are called, where a segment's name would stand."""
ENDPOINT_SERVICES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager")
"""What a Fargate task calls before and while it runs (Amazon ECS, interface VPC endpoints); layers come from S3."""
RETENTIONS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""Days for which CloudWatch keeps logs; it takes no others (PutRetentionPolicy)."""
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]")
_ZONE = re.compile(rf"{_REGION.pattern}[a-z]")


def _region(value: object) -> object:
    if isinstance(value, str) and _REGION.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not a region",
        rule="regions are written in full",
        way_out="write for example ap-northeast-1",
    )


def _zone(value: object) -> object:
    if isinstance(value, str) and value in CLOSED_ZONES:
        raise Rejected(
            f"zone {value}",
            rule="AWS has closed this zone to new accounts",
            way_out="take ap-northeast-1a, ap-northeast-1c or ap-northeast-1d",
        )
    if not isinstance(value, str) or not _ZONE.fullmatch(value):
        raise Rejected(
            f"{shown(value)} is not an availability zone",
            rule="zones are written in full, region and letter",
            way_out="write for example ap-northeast-1a",
        )
    return value


def _retention(value: object) -> object:
    if type(value) is int and value in RETENTIONS:
        return value
    raise Rejected(
        f"{shown(value)} is no number of days that CloudWatch knows",
        rule=f"logs are kept {', '.join(map(str, RETENTIONS))} days",
        way_out="take one of these numbers",
    )


Region = Annotated[str, BeforeValidator(_region)]
Zone = Annotated[str, BeforeValidator(_zone)]
Retention = Annotated[int, BeforeValidator(_retention)]


@unique
class Egress(StrEnum):
    """By which way a segment leaves the VPC.

    NONE: by none.
    ENDPOINTS: to what a container task needs of AWS (image layers, logs, secrets), by endpoints inside the VPC.
    NAT: to the Internet behind a NAT gateway.
    GATEWAY: to the Internet by its gateway, for those that have a public address; nothing gets one by itself.
    """

    NONE = "none"
    ENDPOINTS = "endpoints"
    NAT = "nat"
    GATEWAY = "gateway"


class Quotas(ConfigModel):
    """AWS's limits for the account, as they stand by default; what exceeds one is refused before anything is made.

    Attributes:
        group_rules: rules of a security group, in each direction.
        groups_per_interface: security groups of a network interface; this many times `group_rules` is at most 1000.
        acl_entries: entries of a network ACL in each direction, AWS's own last one, which denies, counted.
        subnets: subnets of the VPC.
        acls: network ACLs of the VPC.
        route_tables: route tables of the VPC.
        routes: routes of a table.
        elastic_ips: elastic addresses of the region.
    """

    group_rules: Annotated[StrictInt, Field(ge=1, le=1000)] = 60
    groups_per_interface: Annotated[StrictInt, Field(ge=1, le=16)] = 5
    acl_entries: Annotated[StrictInt, Field(ge=2, le=40)] = 20
    subnets: Annotated[StrictInt, Field(ge=1)] = 200
    acls: Annotated[StrictInt, Field(ge=1)] = 200
    route_tables: Annotated[StrictInt, Field(ge=1)] = 200
    routes: Annotated[StrictInt, Field(ge=1)] = 50
    elastic_ips: Annotated[StrictInt, Field(ge=0)] = 5


Gigabytes = Annotated[StrictInt, Field(ge=0, le=10_000)]
"""GB a month. Beyond 10 TB AWS asks for less a GB, and no table of ours knows how much."""


class Usage(ConfigModel):
    """What a month is taken to bring, by which its price is reckoned. Nothing else follows from it.

    Attributes:
        flow_logs_gb: records that flow logs write.
        endpoints_gb: traffic through interface endpoints, in both directions; layers of images take another way.
        nat_gb: traffic through NAT gateways, in both directions, from all zones alike.
        internet_gb: traffic from the VPC to the Internet.
        mail_gb: traffic of mail through a load balancer, if mail had a fixed address.
    """

    flow_logs_gb: Gigabytes = 1
    endpoints_gb: Gigabytes = 1
    nat_gb: Gigabytes = 10
    internet_gb: Gigabytes = 10
    mail_gb: Gigabytes = 1


class AwsStack(ConfigModel):
    """The network part of an AWS stack.

    Attributes:
        kind: tells this substrate from the others.
        aws_region: region of everything.
        environment: tag `environment` of every resource.
        vpc_cidr: block of the VPC.
        zones: availability zones; every segment has a subnet in each.
        subnet_prefix: prefix length of subnets that are not pinned.
        subnets: pinned blocks by segment and zone; the others come from the address plan.
        egress: by which way each segment leaves the VPC; a segment that is not named leaves it by none.
        nat: NAT gateways, where a segment's egress is `nat`: one, or one in each zone.
        cluster_name: name of the ECS cluster. Nothing is built of it yet.
        log_retention_days: how long logs are kept.
        offline: true for a preview without an account: dummy credentials, and nothing can be deployed.
        quotas: AWS's limits, where the account's are not the usual ones.
        usage: what a month is taken to bring, for its price.
    """

    kind: Literal["aws"]
    aws_region: Region
    environment: Name
    vpc_cidr: Block
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)]
    subnet_prefix: Annotated[StrictInt, Field(ge=LARGEST_BLOCK, le=SMALLEST_BLOCK)] = 24
    subnets: dict[Name, dict[Zone, Block]] = Field(default_factory=dict)
    egress: dict[Name, Egress] = Field(default_factory=dict)
    nat: Literal["one", "per_zone"] = "one"
    cluster_name: Name = "mailserver-cluster"
    log_retention_days: Retention = 30
    offline: StrictBool = False
    quotas: Quotas = Field(default_factory=Quotas)
    usage: Usage = Field(default_factory=Usage)

    def egress_of(self, segment: str) -> Egress:
        """By which way a segment leaves the VPC."""
        return self.egress.get(segment, Egress.NONE)

    def uses(self, *ways: Egress) -> bool:
        """Whether some segment leaves the VPC by one of these ways."""
        return any(way in ways for way in self.egress.values())
