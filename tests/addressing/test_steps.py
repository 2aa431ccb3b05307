"""What one step grants and what it refuses, by example."""

from ipaddress import IPv4Network

import pytest

from twinvpc.addressing.allocate import RefusedError, Request, step
from twinvpc.addressing.lock import StackLock

POOL = IPv4Network("10.0.0.0/16")


def block(number: int, prefix: int = 24) -> IPv4Network:
    return IPv4Network(f"10.0.{number}.0/{prefix}")


def wish(pinned: IPv4Network | None = None, renamed_from: str | None = None, prefix: int = 24) -> Request:
    return Request(pinned, prefix, renamed_from)


LOCK = StackLock(blocks={"a": block(0), "b": block(1)}, removed={"gone": block(2)})
KEPT = {"a": wish(), "b": wish()}


def refused(wanted: dict[str, Request], lock: StackLock = LOCK, pool: IPv4Network = POOL) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        step(lock, wanted, pool)
    return caught.value


def test_a_new_name_takes_the_lowest_block_that_nobody_has_or_had() -> None:
    assert step(LOCK, {**KEPT, "c": wish()}, POOL).blocks["c"] == block(3)


def test_a_name_that_is_gone_leaves_a_tombstone_and_gets_its_block_back() -> None:
    without = step(LOCK, {"a": wish()}, POOL)
    assert without.removed == {"gone": block(2), "b": block(1)}
    assert step(without, {**KEPT, "gone": wish()}, POOL) == StackLock(blocks={**LOCK.blocks, "gone": block(2)})


def test_a_renamed_name_keeps_its_block_and_its_former_name_is_remembered() -> None:
    after = step(LOCK, {"a": wish(), "c": wish(renamed_from="b")}, POOL)
    assert after.blocks == {"a": block(0), "c": block(1)}
    assert after.renamed == {"b": "c"}
    assert step(after, {"a": wish(), "c": wish()}, POOL).renamed == {"b": "c"}, "its bridge stays closed"
    assert step(after, {"a": wish(), "c": wish(), "b": wish()}, POOL).renamed == {}, "the name lives again"


def test_a_former_name_that_lives_again_gets_a_block_of_its_own() -> None:
    after = step(LOCK, {"a": wish(), "c": wish(renamed_from="b")}, POOL)
    assert step(after, {"a": wish(), "b": wish(), "c": wish()}, POOL).blocks["b"] == block(3)


def test_a_name_with_a_tombstone_cannot_be_the_new_name_of_another() -> None:
    """Its own old block would win over the block it takes along, and move everything in it."""
    error = refused({"a": wish(), "gone": wish(renamed_from="b")})
    assert "`b` cannot become `gone`: `gone` had addresses of its own (10.0.2.0/24)" in str(error)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            {"a": wish(block(1)), "b": wish()},
            "`a` would move from 10.0.0.0/24 to 10.0.1.0/24, where `b` (10.0.1.0/24) is",
        ),
        ({"a": wish(block(9)), "b": wish()}, "`a` would move from 10.0.0.0/24 to 10.0.9.0/24"),
        ({"a": wish(block(0, 23)), "b": wish()}, "`a` would grow from 10.0.0.0/24 to 10.0.0.0/23, which overlaps `b`"),
        ({**KEPT, "c": wish(block(1))}, "`c` would take 10.0.1.0/24, which overlaps `b` (10.0.1.0/24)"),
        ({**KEPT, "c": wish(block(2))}, "`c` would take 10.0.2.0/24, which overlaps the tombstone of `gone`"),
        ({**KEPT, "gone": wish(block(3))}, "`gone` would move from 10.0.2.0/24 to 10.0.3.0/24"),
        ({**KEPT, "c": wish(IPv4Network("10.1.0.0/24"))}, "10.1.0.0/24 of `c` lies outside 10.0.0.0/16"),
        ({**KEPT, "c": wish(prefix=15)}, "no free /15 is left in 10.0.0.0/16 for `c`"),
        ({**KEPT, "c": wish(renamed_from="d")}, "`d` cannot become `c`: no `d` is recorded"),
        ({**KEPT, "b": wish(renamed_from="a")}, "`a` cannot become `b`: `b` has addresses already"),
        ({**KEPT, "b": wish(renamed_from="gone")}, "`gone` cannot become `b`: `b` has addresses already"),
    ],
)
def test_a_wish_that_would_move_or_share_is_refused_with_both_names(wanted: dict[str, Request], words: str) -> None:
    error = refused(wanted)
    assert words in str(error)
    assert all(refusal.way_out for refusal in error.refusals)


def test_a_pool_that_shrank_away_from_a_block_is_refused() -> None:
    error = refused(KEPT, pool=IPv4Network("10.0.0.0/24"))
    assert "10.0.1.0/24 of `b` lies outside 10.0.0.0/24" in str(error)


def test_all_refusals_are_told_together() -> None:
    assert len(refused({"a": wish(block(9)), "b": wish(block(8)), "c": wish(prefix=8)}).refusals) == 3


def test_a_block_grows_and_shrinks_in_its_place_where_nobody_is() -> None:
    lock = StackLock(blocks={"a": block(4)})
    assert step(lock, {"a": wish(block(4, 23))}, POOL).blocks["a"] == block(4, 23)
    assert step(lock, {"a": wish(block(4, 25))}, POOL).blocks["a"] == block(4, 25)


def test_a_stack_without_any_record_ignores_a_rename_that_others_have_made() -> None:
    assert step(StackLock(), {"c": wish(renamed_from="b")}, POOL).blocks == {"c": block(0)}


def test_a_rename_that_was_recorded_long_ago_may_stay_in_the_file() -> None:
    lock = StackLock(blocks={"c": block(0)})
    assert step(lock, {"c": wish(renamed_from="b")}, POOL) == lock
