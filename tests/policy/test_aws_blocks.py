"""Blocks of several subnets in one entry: all of them, nobody else's, and as few entries as can be."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from twinvpc.policy.aws_blocks import joined

WITHIN = IPv4Network("10.0.0.0/24")
SMALLEST = 28
UNITS = list(WITHIN.subnets(new_prefix=SMALLEST))
POSSIBLE = [block for prefix in range(24, SMALLEST + 1) for block in WITHIN.subnets(new_prefix=prefix)]


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[IPv4Network], list[IPv4Network]]:
    """Blocks apart from each other: some wanted, some of others, and free space between."""
    apart: list[IPv4Network] = []
    for block in draw(st.lists(st.sampled_from(POSSIBLE), max_size=8)):
        if not any(block.overlaps(one) for one in apart):
            apart.append(block)
    wanted = draw(st.lists(st.sampled_from(apart), unique=True)) if apart else []
    others = [block for block in apart if block not in wanted]
    return wanted, draw(st.lists(st.sampled_from(others), unique=True)) if others else []


def held(blocks: list[IPv4Network]) -> set[IPv4Network]:
    return {unit for unit in UNITS if any(unit.subnet_of(block) for block in blocks)}


@tries(300)
@given(layouts())
def test_everything_wanted_is_held_and_nobody_else_is_touched(
    layout: tuple[list[IPv4Network], list[IPv4Network]],
) -> None:
    wanted, others = layout
    found = list(joined(wanted, others, WITHIN))
    assert held(wanted) <= held(found)
    assert not held(found) & held(others)
    assert not [pair for pair in combinations(found, 2) if pair[0].overlaps(pair[1])]


@tries(100)
@given(layouts())
def test_no_fewer_blocks_would_do_and_none_could_be_smaller(
    layout: tuple[list[IPv4Network], list[IPv4Network]],
) -> None:
    wanted, others = layout
    found = joined(wanted, others, WITHIN)
    able = [block for block in POSSIBLE if not held([block]) & held(others)]
    if found:
        fewer = (some for number in range(1, len(found)) for some in combinations(able, number))
        assert not any(held(wanted) <= held(list(some)) for some in fewer)
    for block in found:
        inside = [one for one in wanted if one.subnet_of(block)]
        halves = block.subnets() if block.prefixlen < SMALLEST else ()
        assert inside, "no block is there for nothing"
        assert not any(all(one.subnet_of(half) for one in inside) for half in halves)


@tries(100)
@given(layouts())
def test_order_never_matters(layout: tuple[list[IPv4Network], list[IPv4Network]]) -> None:
    wanted, others = layout
    assert joined(reversed(wanted), reversed(others), WITHIN) == joined(wanted, others, WITHIN)


def test_what_is_wanted_and_untouchable_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/25 lies outside"):
        joined([IPv4Network("10.0.0.0/25")], [IPv4Network("10.0.0.16/28")], WITHIN)
    with pytest.raises(ValueError, match=r"10\.0\.1\.0/25 lies outside"):
        joined([IPv4Network("10.0.1.0/25")], [], WITHIN)
