"""The policy as security groups: one for each segment, whose rules name the groups at the other end."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from ipaddress import IPv4Network

from twinvpc.model.aws import ENDPOINTS
from twinvpc.model.nodes import Node
from twinvpc.model.services import EVERYTHING, HIGHEST_PORT, ICMP, Protocol, Service
from twinvpc.policy.terms import Policy, Term, UnsupportedTermError

ANYWHERE = IPv4Network("0.0.0.0/0")
TOWARDS_THE_INTERNET = (ICMP, Service(Protocol.TCP, 0, HIGHEST_PORT), Service(Protocol.UDP, 0, HIGHEST_PORT))
"""What `any` means there (ADR 51): a rule of all protocols to everywhere is what scanners look for, and no NAT gateway
passes on any other protocol."""


@unique
class Direction(StrEnum):
    """Which way a packet that opens something passes the wall."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, order=True)
class GroupPeer:
    """Members of a group: a segment's, or those of the endpoints."""

    group: str


@dataclass(frozen=True, order=True)
class BlockPeer:
    """Whoever has an address of a block."""

    block: IPv4Network


@dataclass(frozen=True, order=True)
class S3Peer:
    """S3 behind its gateway endpoint, where image layers lie: AWS keeps the list of its addresses."""


Peer = GroupPeer | BlockPeer | S3Peer


@dataclass(frozen=True)
class GroupRule:
    """One rule of a group.

    Attributes:
        direction: which way.
        peer: who opens, or to whom.
        service: what.
        opener: node that opens.
        opened: node that is opened to.
    """

    direction: Direction
    peer: Peer
    service: Service
    opener: str
    opened: str

    @property
    def to_s3(self) -> bool:
        """Whether it leads to S3, by AWS's list of its addresses."""
        return isinstance(self.peer, S3Peer)


@dataclass(frozen=True)
class Group:
    """One security group.

    Attributes:
        name: the segment, or `endpoints`.
        rules: its rules; groups are stateful, so there are none for answers.
    """

    name: str
    rules: tuple[GroupRule, ...]

    def of(self, direction: Direction) -> tuple[GroupRule, ...]:
        """Rules of one direction: AWS counts them apart."""
        return tuple(rule for rule in self.rules if rule.direction is direction)


def groups(policy: Policy) -> tuple[Group, ...]:
    """Every segment's group, sorted, and that of the endpoints where somebody uses them.

    Raises:
        UnsupportedTermError: a term that no rule of a group says.
    """
    rules: defaultdict[str, list[GroupRule]] = defaultdict(list)
    for name in policy.segments:
        for direction in Direction:
            rules[name].append(GroupRule(direction, GroupPeer(name), EVERYTHING, name, name))
    for term in policy.terms:
        for group, rule in _rules(term, policy):
            rules[group].append(rule)
    return tuple(Group(name, tuple(rules[name])) for name in sorted(rules))


def _rules(term: Term, policy: Policy) -> Iterator[tuple[str, GroupRule]]:
    """Rules of one term, each with its group."""
    source, destination = term.source, term.destination
    if source not in policy.segments:
        raise UnsupportedTermError(f"no security group can say `{source}` → `{destination}` on AWS")
    inner = ENDPOINTS if destination == Node.AWS_SERVICES else destination
    for service in term.services:
        if destination == Node.INTERNET:
            for one in TOWARDS_THE_INTERNET if service == EVERYTHING else (service,):
                yield source, GroupRule(Direction.EGRESS, BlockPeer(ANYWHERE), one, source, destination)
        elif destination in policy.segments or destination == Node.AWS_SERVICES:
            yield source, GroupRule(Direction.EGRESS, GroupPeer(inner), service, source, destination)
            yield inner, GroupRule(Direction.INGRESS, GroupPeer(source), service, source, destination)
        else:
            raise UnsupportedTermError(f"no security group can say `{source}` → `{destination}` on AWS")
        if destination == Node.AWS_SERVICES:
            yield source, GroupRule(Direction.EGRESS, S3Peer(), service, source, destination)
