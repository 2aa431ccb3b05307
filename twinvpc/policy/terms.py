"""The policy in a form that no substrate owns: who may open what to whom, names resolved, nothing implied."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import Node
from twinvpc.model.resolve import resolve
from twinvpc.model.services import EVERYTHING, Protocol, Service

HTTPS = Service(Protocol.TCP, 443, 443)
"""What endpoints of AWS answer on."""


class UnsupportedTermError(ValueError):
    """A permission that a substrate's rules cannot express; it is refused, never dropped or widened."""


@dataclass(frozen=True, order=True)
class Term:
    """One permission: source may open these services to destination.

    Attributes:
        source: node that opens.
        destination: node that is opened to.
        services: sorted, merged, without overlap; `any` stands alone.
    """

    source: str
    destination: str
    services: tuple[Service, ...]

    @property
    def everything(self) -> bool:
        """Whether every protocol and port is meant."""
        return EVERYTHING in self.services


@dataclass(frozen=True, order=True)
class Forward:
    """A TCP port of the host that leads to the same port of a machine.

    Attributes:
        port: the port.
        address: the machine's address.
        machine: its name.
        sources: nodes that it is forwarded for.
    """

    port: int
    address: IPv4Address
    machine: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """All permissions that the owner gave, sorted; what is not in `terms` is denied.

    Attributes:
        segments: names of all segments, sorted; inside each, everything is free.
        terms: permissions between different nodes.
        forwards: ports of the host that lead to machines.
    """

    segments: tuple[str, ...]
    terms: tuple[Term, ...]
    forwards: tuple[Forward, ...] = ()

    def forwarded_for(self, source: str) -> bool:
        """Whether some port of the host leads this node to a machine."""
        return any(source in one.sources for one in self.forwards)

    def between(self, sources: Iterable[str], destinations: Iterable[str]) -> tuple[Term, ...]:
        """Terms from any of these sources to any of these destinations."""
        wanted_sources, wanted_destinations = set(sources), set(destinations)
        return tuple(t for t in self.terms if t.source in wanted_sources and t.destination in wanted_destinations)


def compile_policy(intent: Intent) -> Policy:
    """Resolve names, spread lists, add the Internet switches, merge what overlaps, and sort.

    Flows of nodes that the stack does not have (host, LAN and docker0 on AWS) are left out: they have no cell there.
    On AWS a switch counts where the segment's egress leads to the Internet.
    """
    network = intent.network
    ssh_port = intent.stack.host.port if isinstance(intent.stack, LibvirtStack) else 0
    here = set(network.segments) | nodes_of(intent)
    given: defaultdict[tuple[str, str], set[Service]] = defaultdict(set)
    for flow in network.flows:
        sources = [s for s in flow.source if s in here]
        destinations = [d for d in flow.destination if d in here]
        if sources and destinations:
            services = resolve(flow.services, network.services, ssh_port=ssh_port)
            for source in sources:
                for destination in destinations:
                    given[source, destination].update(services)
    for name, segment in network.segments.items():
        services = resolve(segment.internet_services, network.services, ssh_port=ssh_port)
        if services and _leads_out(intent, name):
            given[name, Node.INTERNET.value].update(services)
        if isinstance(intent.stack, AwsStack) and intent.stack.egress_of(name) is Egress.ENDPOINTS:
            given[name, Node.AWS_SERVICES.value].add(HTTPS)
    terms = (Term(s, d, merge(services)) for (s, d), services in given.items() if s != d)
    return Policy(tuple(sorted(network.segments)), tuple(sorted(terms)), _forwards(intent))


def _leads_out(intent: Intent, segment: str) -> bool:
    """Whether a segment has a way to the Internet: on AWS that is a choice of the stack's."""
    stack = intent.stack
    return not isinstance(stack, AwsStack) or stack.egress_of(segment) in {Egress.NAT, Egress.GATEWAY}


def _forwards(intent: Intent) -> tuple[Forward, ...]:
    """Each machine's sshd, from the LAN and the tailnet (V4)."""
    stack = intent.stack
    if not isinstance(stack, LibvirtStack):
        return ()
    sources = (Node.LAN.value, Node.TAILNET.value) if stack.tailnet else (Node.LAN.value,)
    machines = stack.machines.items()
    return tuple(sorted(Forward(own.ssh_port, own.address, name, sources) for name, own in machines))


def nodes_of(intent: Intent) -> set[str]:
    """Fixed nodes that the stack has."""
    if isinstance(intent.stack, AwsStack):
        served = {Node.AWS_SERVICES.value} if intent.stack.uses(Egress.ENDPOINTS) else set[str]()
        return {Node.INTERNET.value} | served
    nodes = {Node.INTERNET.value, Node.LAN.value, Node.HOST.value, Node.DOCKER0.value}
    return nodes | {Node.TAILNET.value} if intent.stack.tailnet else nodes


def merge(services: Iterable[Service]) -> tuple[Service, ...]:
    """Services without overlap, neighbours joined, sorted; `any` swallows the rest."""
    merged: list[Service] = []
    for service in sorted(services):
        if service == EVERYTHING:
            return (EVERYTHING,)
        last = merged[-1] if merged else None
        joins = last is not None and last.protocol is service.protocol and service.first <= last.last + 1
        if joins and last is not None and service.protocol is not Protocol.ICMP:
            merged[-1] = Service(last.protocol, last.first, max(last.last, service.last))
        elif service != last:
            merged.append(service)
    return tuple(merged)
