"""What AWS asks for, by region. Who changes a figure changes its source and its date with it.

AWS's own pages draw most figures by script, so where one was read elsewhere both addresses stand here: AWS's page, to
check it, and the page on which it was read. A price without a source does not get in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum, unique

HOURS = 730
"""Hours of a month, as AWS's own calculator counts them: a year's, by twelve."""

CURRENCY = "USD"


@unique
class Unit(StrEnum):
    """What a price is for one of."""

    HOUR = "h"
    GB = "GB"
    GB_MONTH = "GB-month"
    LCU_HOUR = "LCU-h"


@dataclass(frozen=True)
class Source:
    """Where a figure is said.

    Attributes:
        page: AWS's page on which it can be checked.
        read_in: where it was read.
        stated: when that said so; the day on which it was read, if it bears no date.
    """

    page: str
    read_in: str
    stated: date


@dataclass(frozen=True)
class Price:
    """What one unit costs.

    Attributes:
        usd: US dollars, without tax.
        unit: of what.
        source: who says so.
    """

    usd: Decimal
    unit: Unit
    source: Source


@dataclass(frozen=True)
class PriceTable:
    """Prices of one region; of those with steps, the first step.

    Attributes:
        region: AWS's region.
        date: when the table was last compared with its sources.
        public_ipv4: a public address in use, whoever holds it.
        flow_logs: records that CloudWatch Logs takes in.
        logs_kept: records that it keeps.
        endpoint: an interface endpoint in one zone.
        endpoint_traffic: what it carries, in both directions.
        nat: a NAT gateway.
        nat_traffic: what it carries, in both directions.
        zone_traffic: what leaves a zone for another, and again what enters one from another.
        internet_traffic: what leaves for the Internet.
        internet_free: GB a month that do so for nothing, all regions and services of the account together.
        balancer: a Network Load Balancer.
        balancer_capacity: what it carries; one unit is 1 GB of TCP in an hour.
    """

    region: str
    date: date
    public_ipv4: Price
    flow_logs: Price
    logs_kept: Price
    endpoint: Price
    endpoint_traffic: Price
    nat: Price
    nat_traffic: Price
    zone_traffic: Price
    internet_traffic: Price
    internet_free: int
    balancer: Price
    balancer_capacity: Price

    @property
    def prices(self) -> Mapping[str, Price]:
        """Every price by its name here."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Price)}


_VPC = "https://aws.amazon.com/vpc/pricing/"
_PRIVATELINK = "https://aws.amazon.com/privatelink/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_TRANSFER = "https://aws.amazon.com/ec2/pricing/on-demand/"
_BALANCERS = "https://aws.amazon.com/elasticloadbalancing/pricing/"

# Read there, for Tokyo, from AWS's price list, which nobody can read by eye.
_LIST = ("https://github.com/eddie-eights/nwc-poc", date(2026, 10, 10))
_ADDRESSES = ("https://www.doit.com/aws-public-ipv4-price-increase-the-complete-guide/", date(2024, 2, 1))
_NATS = ("https://kenzo0107.github.io/en/2026/04/20/ecr-vpc-endpoint-break-even-analysis/", date(2026, 4, 20))
_ZONES = ("https://awsi.click/en/articles/nat-gateway-cost-structure-avoidance/", date(2026, 11, 28))
_OUT = ("https://dev.classmethod.jp/articles/ec2-datatransfer-cost", date(2025, 4, 16))
_ELB = ("https://aws.darcy-it.com/elb%E3%81%AE%E3%82%B3%E3%82%B9%E3%83%88%E6%96%99%E9%87%91/", date(2026, 11, 28))


def _price(usd: str, unit: Unit, page: str, read: tuple[str, date]) -> Price:
    return Price(Decimal(usd), unit, Source(page, *read))


TOKYO = PriceTable(
    region="ap-northeast-1",
    date=date(2026, 11, 28),
    public_ipv4=_price("0.005", Unit.HOUR, _VPC, _ADDRESSES),
    flow_logs=_price("0.76", Unit.GB, _CLOUDWATCH, _LIST),
    logs_kept=_price("0.033", Unit.GB_MONTH, _CLOUDWATCH, _LIST),
    endpoint=_price("0.014", Unit.HOUR, _PRIVATELINK, _LIST),
    endpoint_traffic=_price("0.01", Unit.GB, _PRIVATELINK, (_PRIVATELINK, date(2026, 11, 28))),
    nat=_price("0.062", Unit.HOUR, _VPC, _NATS),
    nat_traffic=_price("0.062", Unit.GB, _VPC, _NATS),
    zone_traffic=_price("0.01", Unit.GB, _TRANSFER, _ZONES),
    internet_traffic=_price("0.114", Unit.GB, _TRANSFER, _OUT),
    internet_free=100,  # said where the price for the rest is
    balancer=_price("0.0243", Unit.HOUR, _BALANCERS, _ELB),
    balancer_capacity=_price("0.006", Unit.LCU_HOUR, _BALANCERS, _ELB),
)
_TABLES: Mapping[str, PriceTable] = {TOKYO.region: TOKYO}


def table_of(region: str) -> PriceTable | None:
    """The prices of a region; None where nobody has written them down, and then nothing is guessed."""
    return _TABLES.get(region)
