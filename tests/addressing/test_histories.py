"""Whatever an owner does to the names, one step after another: nobody who stays is moved, and no address is shared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from twinvpc.addressing.allocate import RefusedError, Request, first_free, step
from twinvpc.addressing.lock import LOCK_FILE, Lock, StackLock, read_lock

POOL = IPv4Network("10.0.0.0/21")  # small, so that histories run into its end
NAMES = [f"n{number}" for number in range(8)]


@dataclass(frozen=True)
class Add:
    name: str
    request: Request


@dataclass(frozen=True)
class Remove:
    name: str


@dataclass(frozen=True)
class Rename:
    old: str
    new: str


@dataclass(frozen=True)
class Pin:
    name: str
    block: IPv4Network


@st.composite
def blocks(draw: st.DrawFn) -> IPv4Network:
    prefix = draw(st.integers(21, 26))
    size = 2 ** (32 - prefix)
    start = int(POOL.network_address) + size * draw(st.integers(0, POOL.num_addresses // size))  # one is outside
    return IPv4Network((start, prefix))


requests = st.builds(Request, st.none() | blocks(), st.integers(22, 26))
moves = st.one_of(
    st.builds(Add, st.sampled_from(NAMES), requests),
    st.builds(Remove, st.sampled_from(NAMES)),
    st.builds(Rename, st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds(Pin, st.sampled_from(NAMES), blocks()),
)
histories = st.lists(moves, min_size=1, max_size=25)


def changed(wanted: Mapping[str, Request], move: Add | Remove | Rename | Pin) -> dict[str, Request]:
    """The owner's next file."""
    after = {name: replace(request, renamed_from=None) for name, request in wanted.items()}
    match move:
        case Add(name, request):
            after[name] = request
        case Remove(name):
            after.pop(name, None)
        case Rename(old, new) if old in after and new not in after:
            after[new] = replace(after.pop(old), renamed_from=old)
        case Pin(name, block) if name in after:
            after[name] = replace(after[name], pinned=block)
        case _:
            pass
    return after


def overlaps(recorded: Iterable[IPv4Network]) -> list[tuple[IPv4Network, IPv4Network]]:
    return [(one, other) for one, other in combinations(recorded, 2) if one.overlaps(other)]


def survives(before: StackLock, after: StackLock, wanted: Mapping[str, Request]) -> None:
    for name, block in before.blocks.items():
        heir = next((new for new, request in wanted.items() if request.renamed_from == name), name)
        now = after.blocks.get(heir) or after.removed[heir]
        assert now.network_address == block.network_address, f"{name} moved from {block} to {now}"
        assert now == block or wanted[heir].pinned == now, "only the owner resizes"
    for name, block in before.removed.items():
        now = after.blocks.get(name) or after.removed[name]
        assert now.network_address == block.network_address, f"the tombstone of {name} was lost"


@tries(300)
@given(histories)
def test_nobody_who_stays_is_moved_and_no_address_is_shared(history: list[Add | Remove | Rename | Pin]) -> None:
    lock, wanted = StackLock(), dict[str, Request]()
    for move in history:
        attempt = changed(wanted, move)
        try:
            after = step(lock, attempt, POOL)
        except RefusedError as error:
            assert error.refusals, "a refusal has a reason"  # noqa: PT017 - refusals are one of two good ends here
            continue
        survives(lock, after, attempt)
        assert not overlaps([*after.blocks.values(), *after.removed.values()])
        assert after.blocks.keys() == attempt.keys()
        assert all(block.subnet_of(POOL) for block in after.blocks.values())
        assert all(after.blocks[name] == request.pinned for name, request in attempt.items() if request.pinned)
        lock, wanted = after, attempt


@tries(100)
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_names_never_matters(history: list[Add | Remove | Rename | Pin], random: Random) -> None:
    lock, wanted = StackLock(), dict[str, Request]()
    for move in history:
        wanted = changed(wanted, move)
        names = list(wanted)
        random.shuffle(names)
        shuffled = {name: wanted[name] for name in names}
        turned = StackLock(
            blocks=dict(reversed(lock.blocks.items())),
            removed=dict(reversed(lock.removed.items())),
            renamed=lock.renamed,
        )
        assert outcome(lock, wanted) == outcome(turned, shuffled)
        result = outcome(lock, wanted)
        lock = result if isinstance(result, StackLock) else lock


def outcome(lock: StackLock, wanted: Mapping[str, Request]) -> StackLock | str:
    try:
        return step(lock, wanted, POOL)
    except RefusedError as error:
        return str(error)


@tries(100)
@given(histories)
def test_a_step_taken_twice_changes_nothing_more(history: list[Add | Remove | Rename | Pin]) -> None:
    lock, wanted = StackLock(), dict[str, Request]()
    for move in history:
        attempt = changed(wanted, move)
        after = outcome(lock, attempt)
        if isinstance(after, StackLock):
            assert step(after, attempt, POOL) == after
            lock, wanted = after, attempt


@tries(100)
@given(st.lists(st.tuples(st.sampled_from(["dell", "aws", "old"]), histories), max_size=4))
def test_every_lock_is_written_and_read_back_byte_by_byte(
    parts: list[tuple[str, list[Add | Remove | Rename | Pin]]],
) -> None:
    lock = Lock()
    for name, history in parts:
        wanted = dict[str, Request]()
        for move in history:
            attempt = changed(wanted, move)
            after = outcome(lock.of(name), attempt)
            if isinstance(after, StackLock):
                lock, wanted = lock.with_stack(name, after), attempt
    with TemporaryDirectory() as folder:
        path = Path(folder) / LOCK_FILE
        path.write_text(lock.text())
        back = read_lock(Path(folder))
    assert back == lock
    assert back.text() == lock.text()


@tries(300)
@given(blocks(), st.lists(blocks(), max_size=12), st.integers(20, 28))
def test_the_first_free_block_is_the_one_a_search_finds(
    pool: IPv4Network, taken: list[IPv4Network], prefix: int
) -> None:
    found = first_free(pool, taken, prefix)
    candidates = pool.subnets(new_prefix=prefix) if prefix >= pool.prefixlen else iter(())
    assert found == next((block for block in candidates if not any(map(block.overlaps, taken))), None)
