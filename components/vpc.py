"""The seam between the network and what stands on it: the same outputs, whatever the substrate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pulumi


@dataclass(frozen=True)
class SubnetOutputs:
    """One block of a segment as it was built.

    Attributes:
        cidr: the block.
        router: its router address.
        attachment: what a machine's interface is attached to: the bridge (libvirt), the subnet's id (AWS). Known once
            it exists.
    """

    cidr: str
    router: str
    attachment: pulumi.Output[str]


@dataclass(frozen=True)
class SegmentOutputs:
    """One segment: a single subnet on libvirt, one for each zone on AWS, by place."""

    subnets: tuple[SubnetOutputs, ...]


@dataclass(frozen=True)
class VpcOutputs:
    """The whole network: its segments by name."""

    segments: Mapping[str, SegmentOutputs]


class Vpc(Protocol):
    """What every substrate's network offers."""

    @property
    def outputs(self) -> VpcOutputs:
        """What was built."""
        ...
