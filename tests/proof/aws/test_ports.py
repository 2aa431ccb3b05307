"""Interval arithmetic is set arithmetic, checked element by element."""

from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from twinvpc.model.services import HIGHEST_PORT, Protocol
from twinvpc.proof.aws.ports import FULL, NOTHING, both, cell, covers, either, ports_of, span, without
from twinvpc.proof.cells import ALL, DENIED, Cell, Spans

SMALL = 25
sets = st.frozensets(st.integers(1, SMALL), max_size=SMALL)


def spans(numbers: frozenset[int]) -> Spans:
    found: list[tuple[int, int]] = []
    for one in sorted(numbers):
        if found and found[-1][1] == one - 1:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return tuple(found)


@tries(200)
@given(sets, sets)
def test_intervals_are_sets(one: frozenset[int], other: frozenset[int]) -> None:
    left, right = spans(one), spans(other)
    assert both(left, right) == spans(one & other)
    assert either(left, right) == spans(one | other)
    assert without(left, right) == spans(one - other)
    assert covers(left, right) == (one >= other)


def test_everything_and_nothing_are_told_by_identity() -> None:
    tcp = span(Protocol.TCP, 0, HIGHEST_PORT)
    assert (tcp | span(Protocol.UDP, 0, HIGHEST_PORT) | span(Protocol.ICMP, 0, 255)) is FULL
    assert (tcp & span(Protocol.UDP, 1, 9)) is NOTHING
    assert FULL & tcp == tcp == NOTHING | tcp
    assert span(Protocol.TCP, 0, 0) is NOTHING, "port 0 is nobody's"


def test_a_cell_reads_back_as_what_it_was_made_of() -> None:
    for one in (ALL, DENIED, Cell(icmp=True, tcp=((1, 5), (7, 9))), Cell(udp=((53, 53),))):
        assert cell(ports_of(one)) == one
    assert cell(span(Protocol.ICMP, 8, 8)) == DENIED
    assert cell(span(Protocol.ICMP, 8, 8), some=True) == Cell(icmp=True)
