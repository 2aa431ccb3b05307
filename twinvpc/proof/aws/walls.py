"""What each single wall says: one group's rules, one subnet's ACL, in one direction, whatever stands behind it.

Two ends judge most connections, so a rule that is too wide at one end hides behind the other end's. Here it cannot:
each list is asked about every peer there is, addresses of the VPC without a subnet among them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from twinvpc.proof.aws.addresses import Range
from twinvpc.proof.aws.evaluate import Passes, seated
from twinvpc.proof.aws.judges import bounds
from twinvpc.proof.aws.paths import Layer, Seat
from twinvpc.proof.aws.places import Place
from twinvpc.proof.aws.ports import FULL, NOTHING, Ports
from twinvpc.proof.aws.wiring import Wiring

_EMPTY = "no subnet"


@dataclass(frozen=True, order=True)
class Stretch:
    """One list and one peer.

    Attributes:
        owner: the group or the subnet.
        egress: whether the list is about what leaves.
        peer: a subnet, a service, the Internet, or `no subnet`.
    """

    owner: str
    egress: bool
    peer: str


Wall = Mapping[Stretch, Passes]
"""What passes each list to or from each peer; pairs without anything are left out."""


def wall(wiring: Wiring, places: Sequence[Place], layer: Layer) -> Wall:
    """All lists of one layer.

    Args:
        wiring: the VPC.
        places: the segments.
        layer: groups or ACLs; routes are no list.
    """
    peers = tuple(_peers(wiring, places))
    found: dict[Stretch, Passes] = {}
    lists = _groups(wiring, peers) if layer is Layer.GROUPS else _acls(wiring, peers)
    for stretch, ports in lists:
        before = found.get(stretch, Passes(FULL, NOTHING))
        found[stretch] = Passes(before.always & ports, before.sometimes | ports)
    return {stretch: one for stretch, one in found.items() if one.sometimes is not NOTHING}


def empty_only(before: Wall, after: Wall) -> bool:
    """Whether two walls differ only towards addresses that no subnet has."""
    keys = before.keys() | after.keys()
    return all(before.get(key) == after.get(key) for key in keys if key.peer != _EMPTY)


def _groups(wiring: Wiring, peers: Sequence[Seat]) -> Iterator[tuple[Stretch, Ports]]:
    for group in wiring.graph.groups:
        judge = wiring.judges.group(group)
        for peer in peers:
            listed = "" if peer.subnet else peer.service
            for egress in (False, True):
                ports = judge.ports(peer.address, peer.groups, listed, egress=egress)
                yield Stretch(group.key, egress, peer.label), ports


def _acls(wiring: Wiring, peers: Sequence[Seat]) -> Iterator[tuple[Stretch, Ports]]:
    for subnet in wiring.graph.subnets:
        judge = wiring.judges.acl(wiring.acl(subnet.key))
        for peer in peers:
            for egress in (False, True):
                yield Stretch(subnet.key, egress, peer.label), judge.ports(peer.address, egress=egress)


def _peers(wiring: Wiring, places: Sequence[Place]) -> Iterator[Seat]:
    """Everybody: segments, Internet, services, subnets that are no segment's, and the rest of the VPC."""
    yield from chain.from_iterable(seated(wiring, places).values())
    known = {key for place in places for key in place.subnets}
    for subnet in wiring.graph.subnets:
        if subnet.key not in known:
            yield from (Seat(subnet.key, address, subnet.key) for address in wiring.addresses(subnet))
    yield from (Seat(_EMPTY, address) for address in wiring.samples(_unused(wiring)))


def _unused(wiring: Wiring) -> tuple[Range, ...]:
    """Addresses of the VPC that no subnet has."""
    taken = sorted(bounds(subnet.cidr) for subnet in wiring.graph.subnets)
    found: list[Range] = []
    for start, end in (bounds(block) for block in wiring.graph.cidrs):
        first = start
        for low, high in taken:
            if start <= low <= end:
                if low > first:
                    found.append((first, low - 1))
                first = high + 1
        if first <= end:
            found.append((first, end))
    return tuple(found)
