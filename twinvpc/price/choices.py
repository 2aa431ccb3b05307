"""What a stack would cost if a segment left the VPC another way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, unique

from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.check_aws import check_egress
from twinvpc.model.network import Network
from twinvpc.model.source import Source
from twinvpc.price.bill import bill
from twinvpc.price.table import PriceTable

ALL = "all of them"
"""Stands for all inner segments together where a segment's name would stand; no name has a space."""


@unique
class Way(StrEnum):
    """Ways out that an inner segment can have."""

    NONE = "none"
    ENDPOINTS = "endpoints"
    NAT_ONE = "nat_one"
    NAT_PER_ZONE = "nat_per_zone"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return self.value.replace("_", " ")


@dataclass(frozen=True)
class Choice:
    """What the ways of one inner segment cost.

    Attributes:
        segment: the segment, or `all of them`.
        chosen: the way that the stack file gives it; None for all of them, if they differ.
        totals: US dollars a month of the whole stack, by way; None where network.yaml closes it.
    """

    segment: str
    chosen: Way | None
    totals: Mapping[Way, Decimal | None]


def choices(stack: AwsStack, network: Network, table: PriceTable) -> tuple[Choice, ...]:
    """For each inner segment, what the stack would cost if it alone left the VPC another way; then for all together.

    How many NAT gateways there are is one setting for the whole stack: another number for one segment is another number
    for all.
    """
    return tuple(_choices(stack, network, table))


def by_gateway(stack: AwsStack) -> tuple[str, ...]:
    """Segments that are no inner ones: they leave by the Internet gateway."""
    return tuple(sorted(name for name, way in stack.egress.items() if way is Egress.GATEWAY))


def _choices(stack: AwsStack, network: Network, table: PriceTable) -> Iterator[Choice]:
    inner = sorted(network.segments.keys() - set(by_gateway(stack)))
    for name in inner:
        possible = {way: _changed(stack, (name,), way) for way in Way if _permitted(stack, network, name, way)}
        totals = {way: bill(possible[way], table).total if way in possible else None for way in Way}
        yield Choice(name, _chosen(stack, name), totals)
    if len(inner) > 1:
        together = {way: [name for name in inner if _permitted(stack, network, name, way)] for way in Way}
        sums = {
            way: bill(_changed(stack, names, way), table).total if names else None for way, names in together.items()
        }
        ways = {_chosen(stack, name) for name in inner}
        yield Choice(ALL, ways.pop() if len(ways) == 1 else None, sums)


def _chosen(stack: AwsStack, segment: str) -> Way:
    match stack.egress_of(segment):
        case Egress.ENDPOINTS:
            return Way.ENDPOINTS
        case Egress.NAT:
            return Way.NAT_PER_ZONE if stack.nat == "per_zone" else Way.NAT_ONE
        case _:
            return Way.NONE


def _changed(stack: AwsStack, segments: list[str] | tuple[str, ...], way: Way) -> AwsStack:
    """The stack with another way for these segments."""
    egress = {Way.NONE: Egress.NONE, Way.ENDPOINTS: Egress.ENDPOINTS}.get(way, Egress.NAT)
    nat = {Way.NAT_ONE: "one", Way.NAT_PER_ZONE: "per_zone"}.get(way, stack.nat)
    return stack.model_copy(update={"egress": stack.egress | dict.fromkeys(segments, egress), "nat": nat})


def _permitted(stack: AwsStack, network: Network, segment: str, way: Way) -> bool:
    """Whether the stack file may say so, for what network.yaml says of the segment."""
    return not any(check_egress(_changed(stack, (segment,), way), network, Source("", {})))
