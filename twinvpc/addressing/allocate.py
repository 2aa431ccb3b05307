"""One step of the address plan: from what was recorded and what is wanted to what is recorded next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from twinvpc.addressing.lock import LOCK_FILE, StackLock

_RELEASE = f"remove it, run `make lock-addresses`, delete its line under `removed` in {LOCK_FILE}"


@dataclass(frozen=True)
class Request:
    """What one name wants.

    Attributes:
        pinned: the block the owner wrote, or None to be given one.
        prefix: prefix length of a block that is given.
        renamed_from: the name whose block it takes over.
    """

    pinned: IPv4Network | None
    prefix: int
    renamed_from: str | None = None


@dataclass(frozen=True, order=True)
class Refusal:
    """A wish that would move or share addresses.

    Attributes:
        key: whose wish it is.
        what: what would happen, with both names.
        way_out: what to do instead.
    """

    key: str
    what: str
    way_out: str


class RefusedError(ValueError):
    """Some wishes cannot be granted; nothing is recorded then."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = tuple(sorted(refusals))
        super().__init__("; ".join(refusal.what for refusal in self.refusals))


def step(lock: StackLock, wanted: Mapping[str, Request], pool: IPv4Network) -> StackLock:
    """Grant all wishes, or none.

    Names keep their blocks; a name that is gone leaves a tombstone; a name that returns gets its tombstone back.
    The result depends on the lock and the set of wishes, never on their order.

    Args:
        lock: what is recorded.
        wanted: every name that exists now.
        pool: the block that names without a pin are given parts of.

    Raises:
        RefusedError: names every wish that would move a block, overlap another name's, leave the pool, or find no
            room.
    """
    blocks, renamed, refusals = _rename(lock, wanted)
    removed = dict(lock.removed)
    for key in blocks.keys() - wanted.keys():
        removed[key] = blocks.pop(key)
    for key in wanted.keys() & removed.keys():
        blocks[key] = removed.pop(key)
    for key in sorted(wanted, key=lambda k: (wanted[k].pinned is None, k)):
        granted = _grant(key, wanted[key], _Board(blocks, removed, pool))
        if isinstance(granted, Refusal):
            refusals.append(granted)
        else:
            blocks[key] = granted
    if refusals:
        raise RefusedError(refusals)
    gone = {old: new for old, new in renamed.items() if old not in wanted}
    return StackLock(blocks=blocks, removed=removed, renamed=gone)


def _rename(
    lock: StackLock, wanted: Mapping[str, Request]
) -> tuple[dict[str, IPv4Network], dict[str, str], list[Refusal]]:
    """Blocks under their new names. A stack without any record has nothing to rename."""
    blocks, renamed = dict(lock.blocks), dict(lock.renamed)
    refusals: list[Refusal] = []
    for key in sorted(wanted) if blocks or lock.removed else ():
        old = wanted[key].renamed_from
        if old is None or renamed.get(old) == key:
            continue
        why = _no_rename(key, old, blocks, lock.removed)
        if why:
            refusals.append(Refusal(key, f"`{old}` cannot become `{key}`: {why}", "remove `renamed_from`"))
        elif old in blocks:
            blocks[key] = blocks.pop(old)
            renamed[old] = key
    return blocks, renamed, refusals


def _no_rename(key: str, old: str, blocks: Mapping[str, IPv4Network], removed: Mapping[str, IPv4Network]) -> str | None:
    if key in blocks:  # long since so called, unless the old name has a block or a tombstone as well
        return f"`{key}` has addresses already" if old in blocks or old in removed else None
    if key in removed:
        return f"`{key}` had addresses of its own ({removed[key]})"
    return None if old in blocks else f"no `{old}` is recorded"


@dataclass(frozen=True)
class _Board:
    """What is taken at one moment of a step."""

    blocks: Mapping[str, IPv4Network]
    removed: Mapping[str, IPv4Network]
    pool: IPv4Network


def _grant(key: str, request: Request, board: _Board) -> IPv4Network | Refusal:
    current = board.blocks.get(key)
    block = request.pinned or current
    if block is None:
        return _given(key, request.prefix, board)
    if not block.subnet_of(board.pool):
        what = f"{block} of `{key}` lies outside {board.pool}"
        return Refusal(key, what, f"keep the block that holds {block}, or choose another one inside {board.pool}")
    if block == current:
        return block
    clash = _clash(key, block, board)
    if current is not None and block.network_address != current.network_address:
        seat = f", where {clash} is" if clash else ""
        what = f"`{key}` would move from {current} to {block}{seat}"
        return Refusal(key, what, f"keep {current}; to move it: {_RELEASE}, and add `{key}` anew")
    if clash:
        verb = f"grow from {current} to" if current else "take"
        what = f"`{key}` would {verb} {block}, which overlaps {clash}"
        return Refusal(key, what, "choose a block that no name has or had, or say with `renamed_from` who it was")
    return block


def _given(key: str, prefix: int, board: _Board) -> IPv4Network | Refusal:
    free = first_free(board.pool, [*board.blocks.values(), *board.removed.values()], prefix)
    if free is not None:
        return free
    what = f"no free /{prefix} is left in {board.pool} for `{key}`"
    return Refusal(key, what, f"enlarge {board.pool}, or release a name that is gone: {_RELEASE}")


def _clash(key: str, wanted: IPv4Network, board: _Board) -> str | None:
    """Who else has or had a part of a block, or None."""
    for name in sorted(board.blocks.keys() - {key}):
        if board.blocks[name].overlaps(wanted):
            return f"`{name}` ({board.blocks[name]})"
    for name in sorted(board.removed):
        if board.removed[name].overlaps(wanted):
            return f"the tombstone of `{name}` ({board.removed[name]})"
    return None


def first_free(pool: IPv4Network, taken: list[IPv4Network], prefix: int) -> IPv4Network | None:
    """The lowest aligned block of a size inside the pool that overlaps nothing taken, or None."""
    if prefix < pool.prefixlen:
        return None
    size = 2 ** (32 - prefix)
    end = int(pool.broadcast_address) + 1
    cursor = int(pool.network_address)
    for start, stop in _spans(taken):
        if cursor + size <= start:
            break
        if stop > cursor:
            cursor = -(-stop // size) * size  # the next aligned address
    return IPv4Network((cursor, prefix)) if cursor + size <= end else None


def _spans(blocks: list[IPv4Network]) -> Iterator[tuple[int, int]]:
    for block in sorted(blocks):
        yield int(block.network_address), int(block.broadcast_address) + 1
