"""A slow second opinion: single packets, one address and one port at a time, walked through a VPC.

Shares nothing with the evaluator but the graph. It knows no intervals: every address of the tiny subnets, every port of
a short list and every source port of another are tried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import product

from twinvpc.model.services import Protocol
from twinvpc.proof.aws.graph import Acl, AwsGraph, Group, NatGateway, PeerKind, RouteTable, Subnet, TargetKind

PORTS = (1, 2, 1023, 1024, 32767, 32768, 32769, 60999, 61000, 65535)
"""Destination ports that are tried; every range in the tests begins at one of them and ends at or before the next."""
HOST_SOURCES = (32768, 32769, 60999)
FAR_SOURCES = (1024, 32767, 32768, 32769, 60999, 61000, 65535)
TYPES = (0, 3, 8, 255)
PUBLIC = ("8.8.8.8", "8.8.8.200", "203.0.113.5")
"""Public addresses that are tried: one in each block that tests speak of, and one outside."""


@dataclass(frozen=True)
class Host:
    """Somebody with an address."""

    address: IPv4Address
    subnet: Subnet | None
    group: str


@dataclass(frozen=True)
class Packet:
    source: IPv4Address
    destination: IPv4Address
    protocol: Protocol
    port: int


class Simulator:
    def __init__(self, graph: AwsGraph, homes: dict[str, str]) -> None:
        """`homes`: the group of each subnet's hosts; subnets that are left out have no hosts."""
        self.graph = graph
        self.homes = homes

    def hosts(self, node: str) -> list[Host]:
        if node == "internet":
            return [Host(IPv4Address(text), None, "") for text in PUBLIC]
        own = [one for one in self.graph.subnets if self.homes.get(one.key) == node]
        return [Host(address, one, node) for one in own for address in one.cidr]

    def opens(self, source: str, destination: str, protocol: Protocol, port: int) -> tuple[bool, bool]:
        """Whether a port, or a type of ICMP, can be opened always, and whether sometimes."""
        tries = [
            got for one, other in product(self.hosts(source), self.hosts(destination))
            for got in self._tries(one, other, protocol, port)
        ]  # fmt: skip
        return all(tries), any(tries)

    def _tries(self, source: Host, destination: Host, protocol: Protocol, port: int) -> Iterator[bool]:
        there = self._arrives(source, destination, Packet(source.address, destination.address, protocol, port))
        if protocol is Protocol.ICMP:
            sources: Sequence[int] = TYPES
        else:
            sources = HOST_SOURCES if source.subnet else FAR_SOURCES
        for own in sources:
            answer = Packet(destination.address, source.address, protocol, own)
            for far in self._nat_sources(source, destination, protocol):
                yield there and self._returns(source, destination, answer, far)

    def _nat_sources(self, source: Host, destination: Host, protocol: Protocol) -> Sequence[int]:
        """Ports that a NAT gateway on the way may draw."""
        if protocol is Protocol.ICMP or not self._nat(source, destination):
            return (0,)
        return FAR_SOURCES

    def _arrives(self, source: Host, destination: Host, packet: Packet) -> bool:
        if source.subnet and not self._permits(source.group, destination, packet, egress=True):
            return False
        if destination.subnet and not self._permits(destination.group, source, packet, egress=False):
            return False
        return self._crosses(source, destination, packet)

    def _crosses(self, source: Host, destination: Host, packet: Packet) -> bool:
        """Routes and ACLs of one packet from a host to a host, NAT gateways aside for answers."""
        if source.subnet is not None and source.subnet == destination.subnet:
            return True
        if source.subnet and not self._listed(source.subnet, packet.destination, packet, egress=True):
            return False
        if source.subnet and not destination.subnet:
            nat = self._nat(source, destination)
            leaves = self._hop(source.subnet, destination.address) == "internet"
            return self._through_nat(nat, source.subnet, packet) if nat else leaves
        assert destination.subnet
        if source.subnet:
            led = self._hop(source.subnet, destination.address) == "local"
        else:  # without a way out there is no public address, so the gateway knows nobody
            led = self._hop(destination.subnet, source.address) == "internet"
        return led and self._listed(destination.subnet, packet.source, packet, egress=False)

    def _through_nat(self, nat: NatGateway, home: Subnet, packet: Packet) -> bool:
        stand = self._subnet(nat.subnet)
        if not nat.working or self._hop(stand, packet.destination) != "internet":
            return False
        if stand != home and not self._listed(stand, packet.source, packet, egress=False):
            return False
        return self._listed(stand, packet.destination, packet, egress=True)

    def _returns(self, opener: Host, other: Host, answer: Packet, far: int) -> bool:
        """An answer to an opening; groups let it through."""
        nat = self._nat(opener, other)
        if not nat or not opener.subnet:
            if opener.subnet is None or other.subnet is None:
                return self._back_across(opener, other, answer)
            return self._crosses(other, opener, answer)
        stand = self._subnet(nat.subnet)
        back = (
            answer
            if answer.protocol is Protocol.ICMP
            else Packet(answer.source, answer.destination, answer.protocol, far)
        )
        if not self._listed(stand, answer.source, back, egress=False):
            return False
        local = self._hop(stand, opener.address) == "local"
        inside = stand == opener.subnet or (local and self._listed(stand, opener.address, answer, egress=True))
        if not inside:
            return False
        return self._listed(opener.subnet, answer.source, answer, egress=False)

    def _back_across(self, opener: Host, other: Host, answer: Packet) -> bool:
        """Over the Internet gateway, whose side of the way was judged when the opening went."""
        if opener.subnet:
            return self._listed(opener.subnet, answer.source, answer, egress=False)
        assert other.subnet
        return self._listed(other.subnet, answer.destination, answer, egress=True)

    def _nat(self, source: Host, destination: Host) -> NatGateway | None:
        if source.subnet is None or destination.subnet is not None:
            return None
        hop = self._hop(source.subnet, destination.address)
        return next((one for one in self.graph.nats if f"nat {one.key}" == hop), None)

    def _hop(self, subnet: Subnet, address: IPv4Address) -> str:
        best, found = -1, "nowhere"
        for cidr in self.graph.cidrs:
            if address in cidr:
                best, found = cidr.prefixlen, "local"
        for route in self._table(subnet).routes:
            if address in route.destination and route.destination.prefixlen > best:
                best = route.destination.prefixlen
                kind, key = route.target.kind, route.target.key
                found = "nowhere"
                if kind is TargetKind.INTERNET and any(one.key == key for one in self.graph.gateways):
                    found = "internet"
                elif kind is TargetKind.NAT:
                    found = f"nat {key}"
        return found

    def _table(self, subnet: Subnet) -> RouteTable:
        own = [one for one in self.graph.tables if subnet.key in one.subnets]
        return own[0] if own else next(one for one in self.graph.tables if one.main)

    def _acl(self, subnet: Subnet) -> Acl:
        own = [one for one in self.graph.acls if subnet.key in one.subnets]
        return own[0] if own else next(one for one in self.graph.acls if one.default)

    def _subnet(self, key: str) -> Subnet:
        return next(one for one in self.graph.subnets if one.key == key)

    def _listed(self, subnet: Subnet, other: IPv4Address, packet: Packet, *, egress: bool) -> bool:
        for one in sorted(self._acl(subnet).entries, key=lambda entry: entry.number):
            if one.egress is not egress or other not in one.cidr:
                continue
            if one.protocol is Protocol.ANY or (
                one.protocol is packet.protocol and one.first <= packet.port <= one.last
            ):
                return one.allow
        return False

    def _permits(self, group: str, other: Host, packet: Packet, *, egress: bool) -> bool:
        own: Group = next(one for one in self.graph.groups if one.key == group)
        for one in own.rules:
            if one.egress is not egress:
                continue
            if one.protocol is not Protocol.ANY and not (
                one.protocol is packet.protocol and one.first <= packet.port <= one.last
            ):
                continue
            named = one.peer.kind is PeerKind.GROUP and one.peer.key == other.group
            if named or (one.peer.kind is PeerKind.CIDR and other.address in one.peer.cidr):
                return True
        return False
