"""Where packets of each segment go: one route table for its subnets, or one in each zone where their ways differ."""

from collections.abc import Iterator
from dataclasses import dataclass

from twinvpc.addressing.plan import AwsPlan, SubnetPlan
from twinvpc.model.aws import NAT, AwsStack, Egress


@dataclass(frozen=True)
class RouteTable:
    """One route table. Every one leads inside the VPC by itself; AWS adds that route and nobody can take it away.

    Attributes:
        name: the segment, `nat` or `endpoints`.
        zone: the zone whose subnet it serves; None where one table serves all zones.
        subnets: what it serves.
        way: where everything else goes.
        nat_zone: the zone of the NAT gateway, if that is the way.
    """

    name: str
    zone: str | None
    subnets: tuple[SubnetPlan, ...]
    way: Egress
    nat_zone: str | None = None


def route_tables(plan: AwsPlan, stack: AwsStack) -> tuple[RouteTable, ...]:
    """All route tables, by name and zone. No subnet is left to the VPC's main table, which is emptied.

    A NAT gateway itself leaves by the Internet gateway; endpoints open nothing and leave by no way.
    """
    return tuple(table for name in _names(plan) for table in _tables(name, plan, stack))


def _names(plan: AwsPlan) -> list[str]:
    return sorted({one.segment for one in (*plan.subnets, *plan.infrastructure)})


def _tables(name: str, plan: AwsPlan, stack: AwsStack) -> Iterator[RouteTable]:
    subnets, nats = plan.of(name), plan.of(NAT)
    way = Egress.GATEWAY if name == NAT else stack.egress_of(name)
    if way is not Egress.NAT:
        yield RouteTable(name, None, subnets, way)
    elif stack.nat == "one":
        yield RouteTable(name, None, subnets, way, nats[0].zone)
    else:
        for subnet in subnets:
            yield RouteTable(name, subnet.zone, (subnet,), way, subnet.zone)
