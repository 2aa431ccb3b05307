"""What single parts let through: a group, an ACL, a route table. Each is prepared once and remembers its answers."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network
from typing import Generic, TypeVar

from twinvpc.proof.aws.graph import Acl, Entry, Group, GroupRule, PeerKind, Route, RouteTable
from twinvpc.proof.aws.ports import ALL_PORTS, ALL_TYPES, NOTHING, Ports, either, span, tidy, without
from twinvpc.proof.cells import Spans

T = TypeVar("T")


def bounds(block: IPv4Network) -> tuple[int, int]:
    """First and last address of a block, as numbers."""
    return int(block.network_address), int(block.broadcast_address)


class Ranges(Generic[T]):
    """Things that apply to blocks of addresses, found by address.

    Args:
        given: a block and a thing each; what applies comes in this order.
    """

    def __init__(self, given: Iterable[tuple[IPv4Network, T]]) -> None:
        things: list[T] = []
        edges: dict[int, list[tuple[bool, int]]] = {0: []}
        for order, (block, thing) in enumerate(given):
            first, last = bounds(block)
            things.append(thing)
            edges.setdefault(first, []).append((True, order))
            edges.setdefault(last + 1, []).append((False, order))
        self._starts = sorted(edges)
        self.applying: list[tuple[T, ...]] = []
        open_now: list[int] = []
        for start in self._starts:
            for opens, order in edges[start]:
                if opens:
                    insort(open_now, order)
                else:
                    open_now.remove(order)
            self.applying.append(tuple(things[order] for order in open_now))

    def index(self, address: int) -> int:
        """Which stretch of addresses, all treated alike, an address lies in."""
        return bisect_right(self._starts, address) - 1


class AclJudge:
    """An ACL: the first entry that matches decides, and what none matches is denied."""

    def __init__(self, acl: Acl) -> None:
        ordered = sorted(acl.entries, key=lambda entry: entry.number)
        self._ranges = [Ranges((one.cidr, one) for one in ordered if one.egress is egress) for egress in (False, True)]
        self._known: dict[tuple[bool, int], Ports] = {}

    def ports(self, address: int, *, egress: bool) -> Ports:
        """What passes to or from an address."""
        place = egress, self._ranges[egress].index(address)
        if place not in self._known:
            self._known[place] = _first_match(self.entries(address, egress=egress))
        return self._known[place]

    def entries(self, address: int, *, egress: bool) -> Sequence[Entry]:
        """Entries that speak of an address, in the order in which they are tried."""
        ranges = self._ranges[egress]
        return ranges.applying[ranges.index(address)]


def _first_match(entries: Iterable[Entry]) -> Ports:
    allowed: list[Spans] = [(), (), ()]
    left: list[Spans] = [ALL_PORTS, ALL_PORTS, ALL_TYPES]
    for entry in entries:
        for number, matched in enumerate(span(entry.protocol, entry.first, entry.last)):
            if matched and left[number]:
                rest = without(left[number], matched)
                if entry.allow:
                    allowed[number] = either(allowed[number], without(left[number], rest))
                left[number] = rest
    return tidy(*allowed)


class GroupJudge:
    """A security group: what some rule permits passes."""

    def __init__(self, group: Group) -> None:
        self._blocks = [
            Ranges(
                (one.peer.cidr, one) for one in group.rules if one.egress is egress and one.peer.kind is PeerKind.CIDR
            )
            for egress in (False, True)
        ]
        self._named: dict[tuple[bool, PeerKind, str], list[GroupRule]] = {}
        for one in group.rules:
            if one.peer.kind is not PeerKind.CIDR:
                self._named.setdefault((one.egress, one.peer.kind, one.peer.key), []).append(one)
        self._known: dict[tuple[bool, int, tuple[str, ...], str], Ports] = {}

    def ports(self, address: int, groups: tuple[str, ...], prefix_list: str, *, egress: bool) -> Ports:
        """What passes between members and a peer, opened by members if `egress`, else by the peer.

        Args:
            address: the peer's address.
            groups: the peer's own groups, where it is seen under its own address.
            prefix_list: the prefix list that the address is known to be on, by its service.
            egress: who opens.
        """
        place = egress, self._blocks[egress].index(address), groups, prefix_list
        if place not in self._known:
            found = NOTHING
            for one in self.rules(address, groups, prefix_list, egress=egress):
                found |= span(one.protocol, one.first, one.last)
            self._known[place] = found
        return self._known[place]

    def rules(self, address: int, groups: tuple[str, ...], prefix_list: str, *, egress: bool) -> list[GroupRule]:
        """Rules that speak of a peer."""
        found = list(self._blocks[egress].applying[self._blocks[egress].index(address)])
        for key in groups:
            found += self._named.get((egress, PeerKind.GROUP, key), ())
        return found + self._named.get((egress, PeerKind.PREFIX_LIST, prefix_list), [])


class TableJudge:
    """A route table: the longest prefix decides.

    Args:
        table: its routes.
        local: the VPC's own blocks, which the local route of every table holds.
    """

    def __init__(self, table: RouteTable, local: Iterable[IPv4Network]) -> None:
        given: list[tuple[IPv4Network, Route | None]] = [(block, None) for block in local]
        given += [(route.destination, route) for route in table.routes]
        given.sort(key=lambda one: one[0].prefixlen)
        self._ranges = Ranges(given)

    def leads(self, address: int) -> tuple[bool, Route | None]:
        """Whether the way to an address is the local route, and else which route it is; neither if there is none."""
        applying = self._ranges.applying[self._ranges.index(address)]
        if not applying:
            return False, None
        return applying[-1] is None, applying[-1]
