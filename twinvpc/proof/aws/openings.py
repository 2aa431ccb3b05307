"""Every smallest change that opens a closed cell, each found from the checks that stop it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations, product

from twinvpc.model.services import Protocol, Service
from twinvpc.proof.aws.evaluate import answers, seated
from twinvpc.proof.aws.fixes import (
    AddEntry,
    AddRoute,
    AddRule,
    AttachGateway,
    Fix,
    LeadToEndpoint,
    RemoveEntry,
    Way,
    applied,
    cover,
    least,
)
from twinvpc.proof.aws.graph import (
    ANYWHERE,
    Acl,
    AwsGraph,
    Entry,
    GroupRule,
    PeerKind,
    Route,
    RulePeer,
    Target,
    TargetKind,
    whole,
)
from twinvpc.proof.aws.judges import AclJudge
from twinvpc.proof.aws.paths import Check, Layer, Leg, Seat, path
from twinvpc.proof.aws.places import INTERNET, Place
from twinvpc.proof.aws.ports import CONCRETE, NOTHING, Ports, covers, span
from twinvpc.proof.aws.reasons import stops, wanted
from twinvpc.proof.aws.wiring import Judges, Wiring

_HOPS = 3
"""How often routes may have to be mended one behind another: the opener's, then its NAT gateway's."""
_NEW_GATEWAY = "igw"
_MENDED_BY_ROUTE = frozenset({"NO_ROUTE_TO_DESTINATION", "BAD_STATE_ROUTE", "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"})


def openings(graph: AwsGraph, places: Sequence[Place], ends: tuple[str, str], service: Service) -> tuple[Way, ...]:
    """Every smallest set of changes after which a service is open from each subnet to each.

    Changes are: a rule more for exactly this service, in a group for the other side's group; an entry more in an ACL
    for the other side's subnets; a denying entry less; a route more to a gateway that is there, or to a new Internet
    gateway; a table led to a gateway endpoint. What lies beyond, such as a missing endpoint, no change of a rule opens.

    Args:
        graph: the VPC.
        places: the segments.
        ends: who opens, and who is opened to.
        service: what should be open.

    Returns:
        The ways, those with the fewest changes first; a single empty way if it is open already, none if there is none.
    """
    finder = _Finder(places, ends, service)
    ways = least(set(finder.ways(graph, frozenset(), _HOPS)))
    return tuple(sorted(ways, key=lambda way: (len(way), sorted(map(str, way)))))


class _Finder:
    def __init__(self, places: Sequence[Place], ends: tuple[str, str], service: Service) -> None:
        self._places = places
        self._ends = ends
        self._service = service
        self._needs = wanted(service)
        self._judges = Judges()

    def ways(self, graph: AwsGraph, routed: Way, hops: int) -> Iterator[Way]:
        """Mend routes first, since they decide what else is met; then every other check."""
        wiring = Wiring(graph, self._judges)
        stopped = [one for one in self._checks(wiring) if stops(one, self._needs)]
        if not (routes := [one for one in stopped if one.layer is Layer.ROUTES]):
            yield from (routed | way for way in self._through(wiring, stopped))
            return
        options = [tuple(_routes(graph, one)) for one in dict.fromkeys(routes)]
        if hops and all(options):
            for way in least({frozenset[Fix]().union(*chosen) for chosen in product(*options)}):
                yield from self.ways(applied(graph, way), routed | way, hops - 1)

    def _checks(self, wiring: Wiring) -> Iterator[Check]:
        seats = seated(wiring, self._places)
        for source, destination in product(seats[self._ends[0]], seats[self._ends[1]]):
            yield from path(wiring, source, destination)

    def _through(self, wiring: Wiring, stopped: Iterable[Check]) -> set[Way]:
        """Every smallest way through groups and ACLs: a change that opens one check closes no other."""
        options: dict[Check, set[Way]] = {
            check: set(self._rules(check) if check.layer is Layer.GROUPS else self._entries(wiring, check))
            for check in dict.fromkeys(stopped)
        }
        known = {fix for ways in options.values() for way in ways for fix in way if isinstance(fix, AddEntry)}
        found: set[Way] = {frozenset()}
        for check, ways in options.items():
            besides: set[Way] = {frozenset({fix}) for fix in known if self._opens(wiring, fix, check)}
            found = least({way | option for way, option in product(found, ways | besides)})
        return found

    def _rules(self, check: Check) -> Iterator[Way]:
        peer = check.peer
        if peer.subnet:
            named = [RulePeer(PeerKind.GROUP, key) for key in peer.groups]
        elif peer.node == INTERNET:
            named = [RulePeer(PeerKind.CIDR, str(ANYWHERE))]
        else:
            named = [RulePeer(PeerKind.PREFIX_LIST, peer.service)]
        for key, one in product(check.keys, named):
            rule = GroupRule(check.egress, self._service.protocol, *_range(self._service), one)
            yield frozenset({AddRule(key, rule)})

    def _entries(self, wiring: Wiring, check: Check) -> Iterator[Way]:
        """An entry more, behind all others if that is enough; or denying ones less."""
        acl = _acl(wiring.graph, check)
        needs = answers(self._needs, check.leg)
        entries = wiring.judges.acl(acl).entries(check.peer.address, egress=check.egress)
        denying = [one for one in entries if not one.allow and _matters(one, needs)]
        block = self._block(wiring, check.peer)
        yield frozenset(
            AddEntry(acl.key, Entry(check.egress, 0, True, *one, block), first=bool(denying))  # noqa: FBT003 - an entry is a row of a table
            for one in self._spans(check, needs)
        )
        for count in range(1, len(denying) + 1):
            for chosen in combinations(denying, count):
                left = replace(acl, entries=tuple(one for one in acl.entries if one not in chosen))
                if _suffices(AclJudge(left).ports(check.peer.address, egress=check.egress), needs):
                    yield frozenset(RemoveEntry(acl.key, one) for one in chosen)

    def _spans(self, check: Check, needs: Ports) -> Iterator[tuple[Protocol, int, int]]:
        """What the new entries have to allow: the service, or the ports to which its answers go."""
        if check.leg is Leg.FORWARD:
            yield self._service.protocol, *_range(self._service)
            return
        for protocol in CONCRETE:
            if not covers(check.passes.of(protocol), needs.of(protocol)):
                yield protocol, needs.of(protocol)[0][0], needs.of(protocol)[-1][1]

    def _opens(self, wiring: Wiring, fix: AddEntry, check: Check) -> bool:
        """Whether an entry that was meant for another check is enough for this one."""
        if check.layer is not Layer.ACLS or fix.acl != check.keys[0] or fix.entry.egress is not check.egress:
            return False
        acl = _acl(fix.applied(wiring.graph), check)
        passes = AclJudge(acl).ports(check.peer.address, egress=check.egress)
        return _suffices(passes, answers(self._needs, check.leg))

    def _block(self, wiring: Wiring, peer: Seat) -> IPv4Network:
        """The block that an entry for a peer speaks of."""
        if not peer.subnet:
            return ANYWHERE
        beside = {place.node: place.subnets for place in self._places}.get(peer.node, (peer.subnet,))
        own = tuple(wiring.subnets[key].cidr for key in beside)
        blocks = cover(own, tuple(one.cidr for one in wiring.graph.subnets if one.key not in beside))
        return next(block for block in blocks if IPv4Address(peer.address) in block)


def _routes(graph: AwsGraph, check: Check) -> Iterator[Way]:
    """What may mend one route."""
    table = check.keys[0]
    if check.code == "BAD_STATE_ATTACHMENT":
        routes = next(one.routes for one in graph.tables if one.key == table)
        lost = {one.target.key for one in routes if one.target.kind is TargetKind.INTERNET}
        yield from (frozenset({AttachGateway(key)}) for key in sorted(lost))
    elif check.peer.endpoint and check.code == "NO_ROUTE_TO_DESTINATION":
        yield frozenset({LeadToEndpoint(check.peer.endpoint, table)})
    elif check.peer.node == INTERNET and check.code in _MENDED_BY_ROUTE:
        yield from (frozenset({_way_out(table, TargetKind.INTERNET, one.key)}) for one in graph.gateways)
        if not graph.gateways:
            yield frozenset({AttachGateway(_NEW_GATEWAY), _way_out(table, TargetKind.INTERNET, _NEW_GATEWAY)})
        served = next(one.subnets for one in graph.tables if one.key == table)
        nats = graph.nats if check.code != "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS" else ()
        for nat in nats:
            if nat.working and nat.subnet not in served:
                yield frozenset({_way_out(table, TargetKind.NAT, nat.key)})


def _way_out(table: str, kind: TargetKind, key: str) -> AddRoute:
    return AddRoute(table, Route(ANYWHERE, Target(kind, key)))


def _acl(graph: AwsGraph, check: Check) -> Acl:
    return next(one for one in graph.acls if one.key == check.keys[0])


def _range(service: Service) -> tuple[int, int]:
    return (service.first, service.last) if service.last else whole(service.protocol)


def _matters(entry: Entry, needs: Ports) -> bool:
    return (span(entry.protocol, entry.first, entry.last) & needs) != NOTHING


def _suffices(passes: Ports, needs: Ports) -> bool:
    return all(covers(passes.of(one), needs.of(one)) for one in CONCRETE)
