"""Pulumi.<stack>.yaml of an AWS stack: what only AWS knows. So far its network part."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt

from twinvpc.model.base import Block, ConfigModel, Name
from twinvpc.model.problems import Rejected, shown

# AWS has closed this zone to accounts opened since; naming it makes every subnet of it fail at create.
CLOSED_ZONES = frozenset({"ap-northeast-1b"})
LARGEST_BLOCK, SMALLEST_BLOCK = 16, 28
"""Prefix lengths that AWS allows for a VPC and for a subnet (Amazon VPC user guide, CIDR blocks)."""
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


Region = Annotated[str, BeforeValidator(_region)]
Zone = Annotated[str, BeforeValidator(_zone)]


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
    """

    kind: Literal["aws"]
    aws_region: Region
    environment: Name
    vpc_cidr: Block
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)]
    subnet_prefix: Annotated[StrictInt, Field(ge=LARGEST_BLOCK, le=SMALLEST_BLOCK)] = 24
    subnets: dict[Name, dict[Zone, Block]] = Field(default_factory=dict)
