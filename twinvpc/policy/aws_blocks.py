"""Blocks of several subnets said in as few blocks as possible: a network ACL has room for few entries."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Network


def joined(
    wanted: Iterable[IPv4Network], untouchable: Iterable[IPv4Network], within: IPv4Network
) -> tuple[IPv4Network, ...]:
    """The fewest blocks that hold everything wanted and touch nothing untouchable, each as small as it can be.

    Space that is neither may be taken in: nobody stands there.

    Args:
        wanted: blocks to be held.
        untouchable: blocks of others.
        within: the block that all of it is cut from.

    Raises:
        ValueError: something is wanted and untouchable at once, or lies outside.
    """
    taken = _Taken(untouchable)
    held: defaultdict[IPv4Network, list[IPv4Network]] = defaultdict(list)
    for block in wanted:
        if not block.subnet_of(within) or taken.touches(block):
            raise ValueError(f"{block} lies outside {within}, or touches a block of others")
        held[_grown(block, taken, within)].append(block)
    return tuple(sorted(_around(blocks) for blocks in held.values()))


class _Taken:
    """Blocks of others, to be asked quickly whether a block touches one of them."""

    def __init__(self, blocks: Iterable[IPv4Network]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted((int(block.network_address), int(block.broadcast_address)) for block in blocks):
            if not self._ends or start > self._ends[-1]:
                self._starts.append(start)
                self._ends.append(end)
            else:  # inside the one before: blocks are whole powers of two
                self._ends[-1] = max(self._ends[-1], end)

    def touches(self, block: IPv4Network) -> bool:
        """Whether some block of others shares an address with this one."""
        first = bisect_left(self._ends, int(block.network_address))
        return first < len(self._starts) and self._starts[first] <= int(block.broadcast_address)


def _grown(block: IPv4Network, taken: _Taken, within: IPv4Network) -> IPv4Network:
    """The largest block around this one that touches nothing of others; two such blocks are equal or apart."""
    while block != within and not taken.touches(block.supernet()):
        block = block.supernet()
    return block


def _around(blocks: list[IPv4Network]) -> IPv4Network:
    """The smallest block that holds all of these."""
    found, last = min(blocks), max(block.broadcast_address for block in blocks)
    while found.broadcast_address < last:
        found = found.supernet()
    return found
