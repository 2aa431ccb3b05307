"""What an AWS stack exports, by the names that the owner knows."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class SubnetExport:
    """One subnet of a segment.

    Attributes:
        zone: its zone.
        cidr: its block.
        subnet_id: its id.
    """

    zone: str
    cidr: str
    subnet_id: pulumi.Output[str]


@dataclass(frozen=True)
class SegmentExport:
    """One segment: where something that belongs to it is put, and which group it wears.

    Attributes:
        security_group_id: its group.
        subnets: its subnets by zone.
    """

    security_group_id: pulumi.Output[str]
    subnets: tuple[SubnetExport, ...]


@dataclass(frozen=True)
class NetworkExports:
    """The network part of an AWS stack (A9).

    Attributes:
        vpc_id: the VPC.
        security_group_id: group of the segment whose machines may have public addresses: the first by name whose egress
            is `gateway`; None if there is none. The MX gateway does not wear it: it gets one of its own.
        cloudwatch_log_group_name: log group of the flow logs.
        nat_addresses: addresses from which segments behind NAT gateways are seen, by zone.
        segments: by name.
    """

    vpc_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str] | None
    cloudwatch_log_group_name: pulumi.Output[str]
    nat_addresses: Mapping[str, pulumi.Output[str]]
    segments: Mapping[str, SegmentExport]

    def by_name(self) -> Mapping[str, pulumi.Input[object]]:
        """As Pulumi exports them."""
        found: dict[str, pulumi.Input[object]] = {
            "vpc_id": self.vpc_id,
            "cloudwatch_log_group_name": self.cloudwatch_log_group_name,
            "nat_addresses": self.nat_addresses,
            "segments": {
                name: {
                    "security_group_id": one.security_group_id,
                    "subnets": {s.zone: {"subnet_id": s.subnet_id, "cidr": s.cidr} for s in one.subnets},
                }
                for name, one in self.segments.items()
            },
        }
        return found | ({"security_group_id": self.security_group_id} if self.security_group_id else {})
