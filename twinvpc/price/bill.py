"""What of a stack is paid for by the month, reckoned from its file, not from components or an account."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from twinvpc.model.aws import ENDPOINT_SERVICES, AwsStack, Egress
from twinvpc.price.table import HOURS, Price, PriceTable, Unit

_CENT = Decimal("0.01")
_HOURS_OF_A_DAY = 24


@dataclass(frozen=True)
class Line:
    """One thing that is paid for.

    Attributes:
        what: it.
        count: how much of it: things that run all month where the price is for an hour, else the price's units.
        price: what one costs.
    """

    what: str
    count: Decimal
    price: Price

    @property
    def usd(self) -> Decimal:
        """US dollars a month, to the cent, half a cent upwards."""
        hours = HOURS if self.price.unit is Unit.HOUR else 1
        return (self.count * hours * self.price.usd).quantize(_CENT, ROUND_HALF_UP)

    @property
    def how(self) -> str:
        """How it is reckoned."""
        count = self.count.quantize(_CENT, ROUND_HALF_UP)
        many = f"{count.normalize():f}" if count else "0"
        unit = f"× {HOURS} {self.price.unit}" if self.price.unit is Unit.HOUR else str(self.price.unit)
        return f"{many} {unit} × {self.price.usd}"


@dataclass(frozen=True)
class Bill:
    """What a month costs.

    Attributes:
        table: the prices.
        lines: what is paid for.
    """

    table: PriceTable
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """US dollars: the sum of what the lines show."""
        return sum((line.usd for line in self.lines), Decimal())


def bill(stack: AwsStack, table: PriceTable) -> Bill:
    """Reckon what a stack costs a month. Its subnets, tables, rules and Internet gateway, and the way to S3, are free.

    Args:
        stack: the stack file.
        table: prices of its region.
    """
    return Bill(table, tuple(_lines(stack, table)))


def fixed_address(stack: AwsStack, table: PriceTable) -> Bill:
    """What a fixed address for mail would cost besides (A5): a load balancer with a public address in each zone."""
    zones = Decimal(len(stack.zones))
    return Bill(
        table,
        (
            Line("load balancer", Decimal(1), table.balancer),
            Line("its traffic", Decimal(stack.usage.mail_gb), table.balancer_capacity),
            Line("public IPv4 addresses in use", zones, table.public_ipv4),
        ),
    )


def nat_gateways(stack: AwsStack) -> int:
    """How many there are; each holds a public address."""
    if not stack.uses(Egress.NAT):
        return 0
    return len(stack.zones) if stack.nat == "per_zone" else 1


def _lines(stack: AwsStack, table: PriceTable) -> Iterator[Line]:
    usage = stack.usage
    yield Line("public IPv4 addresses in use", Decimal(nat_gateways(stack)), table.public_ipv4)
    yield Line("flow logs", Decimal(usage.flow_logs_gb), table.flow_logs)
    # CloudWatch keeps them packed; how tightly, nobody knows beforehand, so this is the most that it can be.
    kept = Decimal(usage.flow_logs_gb * stack.log_retention_days * _HOURS_OF_A_DAY) / HOURS
    yield Line(f"flow logs, kept {stack.log_retention_days} days", kept, table.logs_kept)
    if stack.uses(Egress.ENDPOINTS):
        places = len(ENDPOINT_SERVICES) * len(stack.zones)
        yield Line("interface endpoints of all zones", Decimal(places), table.endpoint)
        yield Line("interface endpoints, traffic", Decimal(usage.endpoints_gb), table.endpoint_traffic)
    if stack.uses(Egress.NAT):
        yield from _by_nat(stack, table)
    if stack.uses(Egress.NAT, Egress.GATEWAY):
        free = table.internet_free
        beyond = Decimal(max(0, usage.internet_gb - free))
        yield Line(f"to the Internet, beyond {free} GB", beyond, table.internet_traffic)


def _by_nat(stack: AwsStack, table: PriceTable) -> Iterator[Line]:
    gateways, zones, carried = nat_gateways(stack), len(stack.zones), Decimal(stack.usage.nat_gb)
    yield Line("NAT gateways", Decimal(gateways), table.nat)
    yield Line("NAT gateways, traffic", carried, table.nat_traffic)
    if gateways < zones:
        # Paid twice: when it leaves the one zone, and when it enters the other.
        across = 2 * carried * (zones - gateways) / zones
        yield Line("to the NAT gateway from other zones", across, table.zone_traffic)
