"""Where the matrix's nodes stand in a VPC."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from twinvpc.proof.aws.errors import GraphError
from twinvpc.proof.aws.graph import AwsGraph

INTERNET, SERVICES = "internet", "aws-services"
"""Nodes besides the segments: public addresses, and what tasks need of AWS itself, by endpoints of the VPC."""

TASK_NEEDS = ("ecr.api", "ecr.dkr", "logs", "s3", "secretsmanager")
"""Services without which a task on Fargate cannot start: its image (whose layers lie in S3), its secrets, its log
(Amazon ECS developer guide, VPC endpoints)."""


@dataclass(frozen=True, order=True)
class Place:
    """A segment in a VPC.

    Attributes:
        node: the segment.
        subnets: names of its subnets, one a zone.
        groups: names of the security groups that its machines and tasks bear.
    """

    node: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]


def places(
    graph: AwsGraph, blocks: Mapping[str, Iterable[IPv4Network]], groups: Mapping[str, str]
) -> tuple[Place, ...]:
    """Find the segments in a graph.

    Args:
        graph: the VPC.
        blocks: each segment's blocks, one a zone, from the address plan; and the order in which people read segments.
        groups: name of each segment's security group.

    Raises:
        GraphError: a segment has no subnet with one of its blocks, or no such group.
    """
    subnets = {subnet.cidr: subnet.key for subnet in graph.subnets}
    there = {group.key for group in graph.groups}
    found: list[Place] = []
    for node, own in blocks.items():
        wanted = tuple(own)
        if missing := [str(block) for block in wanted if block not in subnets] or not wanted:
            raise _missing(node, f"subnet {missing}")
        if groups[node] not in there:
            raise _missing(node, f"security group {groups[node]}")
        found.append(Place(node, tuple(subnets[block] for block in wanted), (groups[node],)))
    return tuple(found)


def group_names(nodes: Iterable[str]) -> dict[str, str]:
    """What each segment's security group is called, on every stack: its tag `Name`."""
    return {node: f"groups-{node}" for node in nodes}


def strangers(graph: AwsGraph, placed: Iterable[Place], infrastructure: Iterable[IPv4Network]) -> tuple[str, ...]:
    """Subnets that are neither a segment's nor the infrastructure's: nobody planned them, and no cell tells of them.

    Args:
        graph: the VPC.
        placed: all segments.
        infrastructure: blocks of the subnets for NAT gateways and endpoints.
    """
    known = {key for place in placed for key in place.subnets}
    ours = set(infrastructure)
    return tuple(one.key for one in graph.subnets if one.key not in known and one.cidr not in ours)


def _missing(node: str, what: str) -> GraphError:
    return GraphError(
        f"segment {node}: the VPC has no {what}",
        rule="each segment has a subnet a zone and a security group",
        way_out="deploy the stack first, or compare with the files that it was deployed from",
    )
