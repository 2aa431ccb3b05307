"""Sums, reckoned again from literal prices, in whole thousandths of a cent, by nothing of the program's."""

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import golden
from tests.price.stacks import WAYS, network, priced, stack
from twinvpc.model.aws import AwsStack
from twinvpc.model.load import Intent
from twinvpc.price import text
from twinvpc.price.bill import Bill, bill, fixed_address
from twinvpc.price.choices import Way, choices
from twinvpc.price.table import TOKYO, PriceTable, table_of

GOLDEN = Path(__file__).parent / "golden"
CASES = [(way, zones) for zones in (1, 2) for way in WAYS]
USAGE = {"flow_logs_gb": 1, "endpoints_gb": 1, "nat_gb": 10, "internet_gb": 10}


def cents(micros: Fraction) -> int:
    """Millionths of a dollar as cents, half a cent upwards."""
    return int((micros / 10_000 + Fraction(1, 2)) // 1)


def own_arithmetic(way: str, zones: int, days: int = 30, usage: dict[str, int] | None = None) -> int:
    """Cents a month: each thing that is paid for, one after the other, in millionths of a dollar."""
    used = usage or USAGE
    gateways = {"nat_one": 1, "nat_per_zone": zones}.get(way, 0)
    paid = [
        Fraction(gateways * 730 * 5_000),  # public IPv4, 0.005 an hour
        Fraction(used["flow_logs_gb"] * 760_000),  # taken in, 0.76 a GB
        Fraction(used["flow_logs_gb"] * days * 24 * 33_000, 730),  # kept, 0.033 a GB and month
        Fraction(max(0, used["internet_gb"] - 100) * 114_000),  # out, 0.114 a GB after 100
    ]
    if way == "endpoints":
        paid += [Fraction(4 * zones * 730 * 14_000), Fraction(used["endpoints_gb"] * 10_000)]  # 0.014 an hour, 0.01
    if gateways:
        paid += [Fraction(gateways * 730 * 62_000), Fraction(used["nat_gb"] * 62_000)]  # 0.062 an hour, 0.062 a GB
        across = Fraction(used["nat_gb"] * (zones - gateways), zones)
        paid += [across * 10_000 + across * 10_000]  # 0.01 a GB out of a zone, and again into the other
    return sum(map(cents, paid))


def require_own_sum(reckoned: Bill, way: str, zones: int) -> None:
    assert reckoned.total == Decimal(own_arithmetic(way, zones)) / 100


@pytest.mark.parametrize(("way", "zones"), CASES)
def test_a_bill_is_what_ones_own_arithmetic_says(way: str, zones: int) -> None:
    require_own_sum(bill(stack(way, zones), TOKYO), way, zones)


@given(
    st.sampled_from(WAYS), st.integers(1, 3), st.sampled_from([1, 7, 30, 365, 3653]),
    st.fixed_dictionaries(dict.fromkeys(USAGE, st.integers(0, 10_000))),
)  # fmt: skip
def test_it_is_so_for_any_usage(way: str, zones: int, days: int, usage: dict[str, int]) -> None:
    reckoned = bill(stack(way, zones, log_retention_days=days, usage=usage), TOKYO)
    assert reckoned.total == Decimal(own_arithmetic(way, zones, days, usage)) / 100


def test_the_figures_are_these() -> None:
    """In cents, for those who reckon in their head."""
    assert {(way, zones): own_arithmetic(way, zones) for way, zones in CASES} == {
        ("none", 1): 79, ("endpoints", 1): 79 + 4088 + 1,
        ("nat_one", 1): 79 + 4526 + 365 + 62, ("nat_per_zone", 1): 5032,
        ("none", 2): 79, ("endpoints", 2): 79 + 8176 + 1,
        ("nat_one", 2): 5032 + 10, ("nat_per_zone", 2): 79 + 2 * 4526 + 2 * 365 + 62,
    }  # fmt: skip


PRICED = dict.fromkeys(("public_ipv4", "nat", "nat_traffic", "zone_traffic"), "nat_one") | {
    "endpoint": "endpoints", "endpoint_traffic": "endpoints", "flow_logs": "none", "logs_kept": "none",
}  # fmt: skip


@pytest.mark.parametrize("name", PRICED)
def test_a_changed_price_is_noticed(name: str) -> None:
    """Negative control: twice any price, and the sums no longer agree."""
    price = TOKYO.prices[name]
    table = replace(TOKYO, **{name: replace(price, usd=price.usd * 2)})
    with pytest.raises(AssertionError):
        require_own_sum(bill(stack(PRICED[name], 2), table), PRICED[name], 2)


@pytest.mark.parametrize("way", ["nat_one", "nat_per_zone"])
def test_a_forgotten_public_address_is_noticed(way: str) -> None:
    reckoned = bill(stack(way, 2), TOKYO)
    forgotten = replace(reckoned, lines=tuple(one for one in reckoned.lines if "IPv4" not in one.what))
    assert len(forgotten.lines) == len(reckoned.lines) - 1
    with pytest.raises(AssertionError):
        require_own_sum(forgotten, way, 2)


def test_a_fixed_address_for_mail_is_a_load_balancer_and_an_address_in_each_zone() -> None:
    """0.0243 an hour, 0.006 for each GB an hour, and 0.005 an hour for each address."""
    assert str(fixed_address(stack("none", 2), TOKYO).total) == f"{17.74 + 0.01 + 7.30:.2f}"
    assert str(fixed_address(stack("none", 1, usage={"mail_gb": 500}), TOKYO).total) == f"{17.74 + 3.00 + 3.65:.2f}"


def printed(found: Intent) -> str:
    assert isinstance(found.stack, AwsStack)
    return "".join(f"{line}\n" for line in text.told(found.stack, found.network))


@pytest.mark.parametrize(("way", "zones"), CASES)
def test_the_text_is_what_somebody_looked_at(way: str, zones: int) -> None:
    golden.check(GOLDEN / f"{way}-{zones}.txt", printed(priced(way, zones)))


@pytest.mark.parametrize(("way", "zones"), CASES)
def test_what_is_printed_adds_up_and_names_the_price_of_every_way(way: str, zones: int) -> None:
    said = (GOLDEN / f"{way}-{zones}.txt").read_text(encoding="utf-8")
    amounts = [round(100 * float(amount)) for amount in re.findall(r"^  .* × [\d.]+ +(\d+\.\d\d)$", said, re.MULTILINE)]
    (total,) = re.findall(r"^  total +(\d+\.\d\d)$", said, re.MULTILINE)
    assert len(amounts) >= 4
    assert sum(amounts) == round(100 * float(total)) == own_arithmetic(way, zones)
    row = re.search(r"^  private +(.*)$", said, re.MULTILINE)
    assert row
    assert [round(100 * float(cell)) for cell in re.findall(r"[\d.]+", row[1])] == [
        own_arithmetic(one, zones) for one in WAYS
    ]
    cells = re.findall(r"(?:\* )?[\d.]+", row[1])
    assert [cell == f"* {total}" for cell in cells] == [one == way for one in WAYS], "the way that is chosen is marked"
    assert max(map(len, said.splitlines())) <= 80
    assert "(twin-vpc:usage): flow_logs_gb 1, endpoints_gb 1, nat_gb 10" in said


def test_the_prices_of_the_other_ways_are_those_of_stacks_that_take_them() -> None:
    for way, zones in CASES:
        found = priced(way, zones)
        assert isinstance(found.stack, AwsStack)
        rows = {one.segment: one for one in choices(found.stack, found.network, TOKYO)}
        assert rows["private"].chosen == way
        assert {one: rows["private"].totals[Way(one)] for one in WAYS} == {
            one: bill(stack(one, zones), TOKYO).total for one in WAYS
        }
        # Beside a NAT gateway that stays, endpoints come on top.
        more = rows["database"].totals[Way.ENDPOINTS]
        assert more is not None
        assert (more > bill(stack("endpoints", zones), TOKYO).total) is way.startswith("nat")


def test_a_way_that_network_yaml_closes_has_no_price() -> None:
    """`database` has no Internet, and `management` no HTTPS, which is all that endpoints answer."""
    found = priced("none", 2, network(database=False, management=["tcp/80"]))
    assert isinstance(found.stack, AwsStack)
    rows = {one.segment: one.totals for one in choices(found.stack, found.network, TOKYO)}
    assert [rows["database"][way] is None for way in Way] == [False, True, True, True]
    assert [rows["management"][way] is None for way in Way] == [False, True, False, False]
    assert None not in rows["all of them"].values(), "the others still may"
    assert "  –: network.yaml closes this way\n" in printed(found)


def test_a_region_without_a_table_has_no_price_and_says_so() -> None:
    found = priced("none", 1, aws_region="eu-west-1", zones=["eu-west-1a"])
    assert table_of("eu-west-1") is None
    assert printed(found) == "price: none is known for eu-west-1; it is not guessed (twinvpc/price/table.py)\n"
    assert isinstance(found.stack, AwsStack)
    assert text.in_short(found.stack) == "price not known"


def test_every_price_has_a_page_of_awss_and_says_where_and_when_it_was_read() -> None:
    assert_sourced(TOKYO)
    bare = replace(TOKYO.nat, source=replace(TOKYO.nat.source, page="https://example.org/"))
    with pytest.raises(AssertionError):
        assert_sourced(replace(TOKYO, nat=bare))


def assert_sourced(table: PriceTable) -> None:
    for name, price in table.prices.items():
        assert price.source.page.startswith("https://aws.amazon.com/"), name
        assert price.source.read_in.startswith("https://"), name
        assert price.source.stated <= table.date, name
        assert price.usd > 0, name
    assert len(table.prices) == 11
