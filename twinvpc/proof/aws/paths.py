"""What a connection meets on its way, and its answers on theirs: every check, in order, whether it passes or not."""

from collections.abc import Iterator
from enum import StrEnum, unique
from typing import NamedTuple

from twinvpc.proof.aws.graph import NatGateway, TargetKind
from twinvpc.proof.aws.places import INTERNET
from twinvpc.proof.aws.ports import FULL, NOTHING, Ports, tidy
from twinvpc.proof.aws.wiring import Wiring


@unique
class Layer(StrEnum):
    """Parts of a VPC that judge packets each on its own."""

    GROUPS = "groups"
    ACLS = "ACLs"
    ROUTES = "routes"


@unique
class Leg(StrEnum):
    """Which way a check is passed, and to whose ports.

    FORWARD: to the port that is opened. ANSWER: back to a source port of Linux. ANSWER_TO_ANY: back to a source port
    of a NAT gateway, or of a client whose system nobody knows.
    """

    FORWARD = "forward"
    ANSWER = "answer"
    ANSWER_TO_ANY = "answer to any"


class Seat(NamedTuple):
    """Somebody who opens or is opened to.

    Attributes:
        node: the node of the matrix.
        address: an address of theirs, as a number.
        subnet: name of their subnet, empty outside the VPC.
        groups: their security groups.
        service: which service of AWS they are, empty for others.
        endpoint: the endpoint by which that service is reached, empty if there is none.
    """

    node: str
    address: int
    subnet: str = ""
    groups: tuple[str, ...] = ()
    service: str = ""
    endpoint: str = ""

    @property
    def label(self) -> str:
        """What people call the seat: its service, its subnet, or its node."""
        return self.service or self.subnet or self.node


class Check(NamedTuple):
    """One thing that a packet meets.

    Attributes:
        layer: which wall it belongs to.
        leg: which way, and to whose ports.
        keys: names of the groups, or of the one ACL, table, gateway or endpoint.
        passes: what gets through, by destination port of the packet.
        egress: for groups and ACLs, whether the packet leaves.
        peer: for groups and ACLs, the other side as it is seen here; for routes, where they should lead.
        code: for routes, why nothing passes, in words of Reachability Analyzer; else empty.
    """

    layer: Layer
    leg: Leg
    keys: tuple[str, ...]
    passes: Ports
    egress: bool
    peer: Seat
    code: str = ""


_NO_UDP = tidy(FULL.tcp, (), FULL.icmp)


def path(wiring: Wiring, source: Seat, destination: Seat) -> tuple[Check, ...]:
    """Every check between two seats, both ways.

    A host that reaches an Internet gateway by its table is taken to have a public address.
    """
    walk = _Walk(wiring)
    if not source.subnet:
        return tuple(walk.from_internet(source, destination))
    if destination.subnet:
        return tuple(walk.inside(source, destination))
    if destination.node == INTERNET:
        return tuple(walk.to_internet(source, destination))
    return tuple(walk.to_service(source, destination))


class _Walk:
    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def inside(self, source: Seat, destination: Seat) -> Iterator[Check]:
        """Within the VPC. Neither ACLs nor routes see what stays inside one subnet."""
        yield self._group(source, destination, egress=True)
        apart = source.subnet != destination.subnet
        if apart:
            yield self._local(source, destination, Leg.FORWARD)
            yield from self._acls(source, destination, Leg.FORWARD)
        yield self._group(destination, source, egress=False)
        if destination.endpoint and not self._wiring.endpoints[destination.endpoint].private_dns:
            yield _route(destination.endpoint, destination, "NO_POSSIBLE_DESTINATION")
        if apart:
            yield self._local(destination, source, Leg.ANSWER)
            yield from self._acls(destination, source, Leg.ANSWER)

    def to_internet(self, source: Seat, destination: Seat) -> Iterator[Check]:
        """Out by the gateway that the table names, or by a NAT gateway, whose subnet judges as well."""
        yield self._group(source, destination, egress=True)
        yield self._acl(source, destination, Leg.FORWARD, egress=True)
        table = self._wiring.table(source.subnet).key
        local, route = self._wiring.routes(source.subnet).leads(destination.address)
        if not local and route and route.target.kind is TargetKind.NAT and route.target.key in self._wiring.nats:
            yield _route(table, destination)
            yield from self._by_nat(self._wiring.nats[route.target.key], source, destination)
        else:
            yield _route(table, destination, self._out(source.subnet, destination.address))
        yield self._acl(source, destination, Leg.ANSWER, egress=False)

    def _by_nat(self, nat: NatGateway, source: Seat, destination: Seat) -> Iterator[Check]:
        """A NAT gateway has no security group. Answers come to its own ports first, then to the opener's.

        What is inside one subnet meets no ACL, so that neither hop between opener and gateway does there.
        """
        block = self._wiring.subnets[nat.subnet].cidr
        stand = Seat(nat.key, int(block.network_address), nat.subnet)
        if nat.subnet != source.subnet:
            yield self._acl(stand, source, Leg.FORWARD, egress=False)
        yield self._acl(stand, destination, Leg.FORWARD, egress=True)
        code = "" if nat.working else "BAD_STATE"
        yield _route(nat.key, destination, code)
        yield _route(self._wiring.table(nat.subnet).key, destination, self._out(nat.subnet, destination.address))
        yield self._acl(stand, destination, Leg.ANSWER_TO_ANY, egress=False)
        if nat.subnet != source.subnet:
            yield self._local(stand, source, Leg.ANSWER)
            yield self._acl(stand, source, Leg.ANSWER, egress=True)

    def from_internet(self, source: Seat, destination: Seat) -> Iterator[Check]:
        """In by the gateway: only to who answers by it, since nobody else has a public address."""
        code = self._out(destination.subnet, source.address) and "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
        yield _route(self._wiring.table(destination.subnet).key, source, code)
        yield self._acl(destination, source, Leg.FORWARD, egress=False)
        yield self._group(destination, source, egress=False)
        yield self._acl(destination, source, Leg.ANSWER_TO_ANY, egress=True)

    def to_service(self, source: Seat, destination: Seat) -> Iterator[Check]:
        """To a gateway endpoint, which answers under public addresses, or to a service that has no endpoint."""
        if not destination.endpoint:
            yield _route(destination.service, destination, "NO_POSSIBLE_DESTINATION")
            return
        yield self._group(source, destination, egress=True)
        yield self._acl(source, destination, Leg.FORWARD, egress=True)
        table = self._wiring.table(source.subnet).key
        led = table in self._wiring.endpoints[destination.endpoint].tables
        yield _route(table, destination, "" if led else "NO_ROUTE_TO_DESTINATION")
        refused = "VPCE_GATEWAY_PROTOCOL_RESTRICTION"
        yield Check(
            Layer.ROUTES, Leg.FORWARD, (destination.endpoint,), _NO_UDP, egress=True, peer=destination, code=refused
        )
        yield self._acl(source, destination, Leg.ANSWER, egress=False)

    def _out(self, subnet: str, address: int) -> str:
        """Why a subnet's table does not lead an address to a working Internet gateway; empty if it does."""
        local, route = self._wiring.routes(subnet).leads(address)
        if local or route is None:
            return "NO_ROUTE_TO_DESTINATION"
        if route.target.kind is TargetKind.NOWHERE:
            return "BAD_STATE_ROUTE"
        if route.target.kind is TargetKind.INTERNET and route.target.key in self._wiring.gateways:
            return ""
        return "BAD_STATE_ATTACHMENT" if route.target.kind is TargetKind.INTERNET else "NO_ROUTE_TO_DESTINATION"

    def _local(self, at: Seat, to: Seat, leg: Leg) -> Check:
        local, route = self._wiring.routes(at.subnet).leads(to.address)
        code = "" if local else "MORE_SPECIFIC_ROUTE" if route else "NO_ROUTE_TO_DESTINATION"
        return _route(self._wiring.table(at.subnet).key, to, code, leg)

    def _acls(self, source: Seat, destination: Seat, leg: Leg) -> Iterator[Check]:
        yield self._acl(source, destination, leg, egress=True)
        yield self._acl(destination, source, leg, egress=False)

    def _acl(self, at: Seat, peer: Seat, leg: Leg, *, egress: bool) -> Check:
        acl = self._wiring.acl(at.subnet)
        passes = self._wiring.judges.acl(acl).ports(peer.address, egress=egress)
        return Check(Layer.ACLS, leg, (acl.key,), passes, egress, peer)

    def _group(self, at: Seat, peer: Seat, *, egress: bool) -> Check:
        passes = NOTHING
        listed = "" if peer.subnet else peer.service
        for key in at.groups:
            judge = self._wiring.judges.group(self._wiring.groups[key])
            passes |= judge.ports(peer.address, peer.groups, listed, egress=egress)
        return Check(Layer.GROUPS, Leg.FORWARD, at.groups, passes, egress, peer)


def _route(key: str, to: Seat, code: str = "", leg: Leg = Leg.FORWARD) -> Check:
    return Check(Layer.ROUTES, leg, (key,), NOTHING if code else FULL, egress=True, peer=to, code=code)
