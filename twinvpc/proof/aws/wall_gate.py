"""The gate for each single wall: what the intent asks of every group and every ACL by itself.

The matrix of all walls cannot see one that is too wide behind another that is right. So each list is compared with
what it is there for: what its own segment may open and be asked, and, for ACLs, the answers to both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from twinvpc.proof.aws.evaluate import Passes, answers
from twinvpc.proof.aws.graph import TargetKind
from twinvpc.proof.aws.paths import Layer, Leg
from twinvpc.proof.aws.places import INTERNET, SERVICES, Place
from twinvpc.proof.aws.ports import ANY_EPHEMERAL, CONCRETE, NOTHING, Ports, cell, covers, ports_of, tidy
from twinvpc.proof.aws.walls import Stretch, wall
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import Matrix

_NAT = "nat"
"""What the subnets of NAT gateways are taken together as."""
_SILENT = Passes(NOTHING, NOTHING)


@dataclass(frozen=True, order=True)
class WallDifference:
    """A list that says something else than the intent asks of it.

    Attributes:
        list: kind and name of the list's owner, and the direction.
        peer: the other side.
        intended: what it should let through.
        found: what it lets through.
    """

    list: str
    peer: str
    intended: str
    found: str

    def __str__(self) -> str:
        """`network ACL of database-a, ingress, public: intended tcp/5432, found all`."""
        return f"{self.list}, {self.peer}: intended {self.intended}, found {self.found}"


def wall_differences(intent: Matrix, wiring: Wiring, places: Sequence[Place]) -> tuple[WallDifference, ...]:
    """Compare every list of every segment with the intent, peer by peer.

    Peers are segments, the Internet, endpoints and NAT gateways. Of addresses without a subnet nothing is asked: nobody
    is there. A group cannot deny, so what it permits towards the Internet it permits towards everybody.
    """
    asked = _Asked(intent, wiring, places)
    return tuple(sorted(one for layer in (Layer.GROUPS, Layer.ACLS) for one in asked.differences(layer)))


def notices(intent: Matrix, wiring: Wiring, places: Sequence[Place], layer: Layer) -> bool:
    """Whether some list of a layer, groups or ACLs, differs from what the intent asks of it."""
    return next(_Asked(intent, wiring, places).differences(layer), None) is not None


class _Asked:
    """What the intent asks of every list."""

    def __init__(self, intent: Matrix, wiring: Wiring, places: Sequence[Place]) -> None:
        graph = wiring.graph
        self._intent = intent
        self._wiring = wiring
        self._places = places
        self._homes = {key: place.node for place in places for key in place.subnets}
        self._owners = {key: place.node for place in places for key in place.groups}
        self._owners |= {key: SERVICES for one in graph.endpoints for key in one.groups}
        self._services = {one.service: SERVICES for one in graph.endpoints}
        self._by_route = any(not one.interface for one in graph.endpoints)
        self._by_nat = frozenset(place.node for place in places if self._leads_to_nat(place))
        self._infrastructure = {nat.subnet: _NAT for nat in graph.nats}
        self._infrastructure |= {key: SERVICES for one in graph.endpoints for key in one.subnets}

    def differences(self, layer: Layer) -> Iterator[WallDifference]:
        """What differs in one layer."""
        found = wall(self._wiring, self._places, layer)
        subnets = {**self._homes, **self._infrastructure}
        groups = layer is Layer.GROUPS
        owners = self._owners if groups else subnets
        peers = {**self._homes, **self._services, INTERNET: INTERNET} if groups else {**subnets, INTERNET: INTERNET}
        for (key, owner), egress, (label, peer) in product(owners.items(), (False, True), peers.items()):
            if label == key and not groups:
                continue  # what stays in a subnet meets no ACL
            asked = self._group(owner, peer, egress=egress) if groups else self._acl(owner, peer, egress=egress)
            one = found.get(Stretch(key, egress, label), _SILENT)
            kind = "security group" if groups else "network ACL of"
            yield from _compared(f"{kind} {key}", label, asked, one, egress=egress)

    def _leads_to_nat(self, place: Place) -> bool:
        for key, address in product(place.subnets, self._wiring.internet):
            _, route = self._wiring.routes(key).leads(address)
            if route and route.target.kind is TargetKind.NAT:
                return True
        return False

    def _group(self, owner: str, peer: str, *, egress: bool) -> tuple[Ports, Ports]:
        source, destination = (owner, peer) if egress else (peer, owner)
        everybody = self._cell(owner, INTERNET) if egress else self._cell(INTERNET, owner)
        asked = self._cell(source, destination) | everybody
        return asked, asked

    def _acl(self, owner: str, peer: str, *, egress: bool) -> tuple[Ports, Ports]:
        """What a list has to let through at least, and at most."""
        opened, asked = self._forward(owner, peer, owner), self._forward(peer, owner, owner)
        to_any = peer == INTERNET and (egress or owner == _NAT)
        leg = Leg.ANSWER_TO_ANY if to_any else Leg.ANSWER
        own, other = (opened, asked) if egress else (asked, opened)
        back = answers(other, leg)
        most = tidy(ANY_EPHEMERAL if back.tcp else (), ANY_EPHEMERAL if back.udp else (), back.icmp) if to_any else back
        return own | back, own | most

    def _forward(self, source: str, destination: str, at: str) -> Ports:
        """What opens a connection past the ACL of one of two neighbours.

        Whoever goes by a NAT gateway writes the Internet's address on their packets, so only the gateway's own ACL
        sees them as neighbours. Gateway endpoints are reached under public addresses.
        """
        if _NAT in (source, destination):
            if at != _NAT:
                return NOTHING
            if destination == _NAT:
                return self._cell(source, INTERNET) if source in self._by_nat else NOTHING
            found = NOTHING
            for node in self._by_nat if destination == INTERNET else ():
                found |= self._cell(node, INTERNET)
            return found
        found = self._cell(source, destination)
        return found | self._cell(source, SERVICES) if destination == INTERNET and self._by_route else found

    def _cell(self, source: str, destination: str) -> Ports:
        one = self._intent.cell(source, destination)
        return NOTHING if one.foreign or source == SERVICES or {source, destination} == {INTERNET} else ports_of(one)


def _compared(
    owner: str, peer: str, asked: tuple[Ports, Ports], one: Passes, *, egress: bool
) -> Iterator[WallDifference]:
    least, most = asked
    enough = all(covers(one.always.of(protocol), least.of(protocol)) for protocol in CONCRETE)
    if enough and all(covers(most.of(protocol), one.sometimes.of(protocol)) for protocol in CONCRETE):
        return
    shown = one.sometimes if enough else one.always
    way = "egress" if egress else "ingress"
    yield WallDifference(f"{owner}, {way}", peer, str(cell(least)), str(cell(shown, some=enough)))
