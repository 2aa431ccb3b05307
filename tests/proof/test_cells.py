"""Cells behave as sets of tries, checked port by port."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from twinvpc.model.nodes import FIXED_NODES
from twinvpc.model.services import EVERYTHING, HIGHEST_PORT, ICMP, Protocol, Service
from twinvpc.proof.cells import ALL, DENIED, FOREIGN, Cell, Matrix, cell_of

SMALL = 30


@st.composite
def services(draw: st.DrawFn) -> Service:
    first = draw(st.integers(1, SMALL) | st.just(HIGHEST_PORT))
    last = draw(st.integers(first, SMALL)) if first <= SMALL else HIGHEST_PORT
    return Service(draw(st.sampled_from([Protocol.TCP, Protocol.UDP])), first, last)


many = st.lists(st.one_of(services(), st.just(ICMP)), max_size=8)


@tries(150)
@given(many)
def test_a_cell_allows_exactly_what_some_service_names(given_services: list[Service]) -> None:
    cell = cell_of(given_services)
    for protocol in (Protocol.TCP, Protocol.UDP):
        for port in (*range(1, SMALL + 3), HIGHEST_PORT - 1, HIGHEST_PORT):
            named = any(s.protocol is protocol and s.first <= port <= s.last for s in given_services)
            assert cell.allows(protocol, port) == named
    assert cell.allows(Protocol.ICMP) == (ICMP in given_services)


@tries(150)
@given(many, st.randoms(use_true_random=False))
def test_equal_permissions_make_equal_cells(given_services: list[Service], random: Random) -> None:
    single = [Service(s.protocol, p, p) for s in given_services if s.last for p in range(s.first, s.last + 1)]
    single += [s for s in given_services if s is ICMP]
    random.shuffle(single)
    assert cell_of(single) == cell_of(given_services), "port by port, in any order, with repetition"


@tries(150)
@given(many)
def test_the_ranges_of_a_cell_are_sorted_and_apart(given_services: list[Service]) -> None:
    cell = cell_of(given_services)
    for spans in (cell.tcp, cell.udp):
        assert all(first <= last <= HIGHEST_PORT for first, last in spans)
        assert all(last + 1 < start for (_, last), (start, _) in pairwise(spans))


@tries(50)
@given(many)
def test_everything_swallows_the_rest(given_services: list[Service]) -> None:
    assert cell_of([*given_services, EVERYTHING]) == ALL


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (ALL, "all"),
        (DENIED, "–"),
        (FOREIGN, "·"),
        (Cell(icmp=True), "icmp"),
        (Cell(icmp=True, tcp=((22, 22), (80, 90)), udp=((53, 53),)), "icmp tcp/22 tcp/80-90 udp/53"),
    ],
)
def test_a_cell_reads_as_people_write_it(cell: Cell, words: str) -> None:
    assert str(cell) == words


def test_nothing_is_allowed_in_a_denied_cell_and_everything_in_an_open_one() -> None:
    for protocol in (Protocol.TCP, Protocol.UDP, Protocol.ICMP):
        assert ALL.allows(protocol, 1)
        assert not DENIED.allows(protocol, 1)


def test_a_pair_that_nobody_mentions_is_denied_and_fixed_nodes_among_themselves_are_foreign() -> None:
    found = Matrix(("a", "b", *sorted(FIXED_NODES)), {("a", "b"): ALL})
    assert found.cell("a", "b") == ALL
    assert found.cell("b", "a") == found.cell("a", "lan") == found.cell("lan", "a") == DENIED
    assert all(found.cell(one, other) == FOREIGN for one in FIXED_NODES for other in FIXED_NODES)
