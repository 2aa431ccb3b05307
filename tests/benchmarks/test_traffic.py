"""What the packets' benchmark makes of its rounds, and the rules that it compares."""

import pytest

from benchmarks.networks import STACK, Shape, write
from benchmarks.router import Network
from benchmarks.traffic import Series, beside, growing

PLAIN = Series("the minimal table", (100.0, 50.0, 100.0))


def test_a_round_that_was_disturbed_as_a_whole_does_not_count() -> None:
    assert Series("ours", (96.0, 48.0, 20.0)).beside(PLAIN) == pytest.approx(0.96)


@pytest.mark.parametrize(("ours", "sign"), [((95.0, 47.5, 95.0), "✓"), ((94.0, 47.0, 94.0), "✗")])
def test_our_policy_must_leave_nineteen_twentieths(ours: tuple[float, ...], sign: str) -> None:
    table = beside(
        "Rate", "a second", "rate", [PLAIN, Series("something between", (1.0, 1.0, 1.0)), Series("ours", ours)]
    )
    assert [row[-1] for row in table.rows] == ["", "", f"≥ 0.950× {sign}"]
    assert [demand.sign for demand in table.demands] == [sign]


def test_a_larger_network_may_be_neither_slower_nor_faster() -> None:
    sizes = [Series("50", (98.0, 49.0, 98.0)), Series("200", (96.0, 48.0, 96.0)), Series("500", (104.0, 52.0, 104.0))]
    table = growing("Rate", "a second", [PLAIN, *sizes])
    assert [demand.sign for demand in table.demands] == ["✓", "✗", "✗"]
    assert [row[-1] for row in table.rows] == ["", "± 3 % ✓", "± 3 % ✗", "± 3 % ✗"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = tmp_path_factory.mktemp("network")
    write(folder, Shape("3 flows a segment", 3), 5)
    return Network.read(folder, STACK, ("seg-3", "seg-4"), 8000)


def test_our_policy_is_all_of_it_as_it_is_on_a_host(network: Network) -> None:
    tables = [line.split()[2] for line in network.ours.nft.splitlines() if line.endswith("{") and line[:5] == "table"]
    assert tables == ["twin_vpc", "twin_vpc_host", "twin_vpc_held"]
    assert "flags owner" not in network.ours.nft, "no process holds the third table here"
    assert network.ours.routing
    assert network.ours.routing6


def test_the_minimal_table_is_two_rules_and_nothing_else(network: Network) -> None:
    rules = [line.strip() for line in network.minimal.nft.splitlines() if line.endswith("accept")]
    assert rules == ["ct state established,related accept", 'iifname "br-seg-3" oifname "br-seg-4" accept']
    assert not network.minimal.routing


def test_what_stands_between_adds_to_the_minimal_table(network: Network) -> None:
    assert network.translating.nft.startswith(network.minimal.nft)
    assert network.two_walls.nft.startswith(network.translating.nft)
    assert network.two_walls.routing == network.ours.routing
