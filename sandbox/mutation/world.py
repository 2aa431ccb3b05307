"""A network's walls in the plain lab, with all that they speak of: retired bridges, a tailnet, machines' addresses."""

import resource
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.mutation import foreign
from sandbox.mutation.foreign import Led, led
from sandbox.mutation.places import RESERVED, places
from sandbox.mutation.walls import HELD, TABLES, Walls
from sandbox.probe import astray, dhcp, ipv6
from sandbox.probe.ground import Ground
from sandbox.probe.lab import HOST, RESOLVER, ROUTER, UPLINK, Lab, LabSegment
from sandbox.probe.namespaces import Anonymous, ip_batch
from sandbox.probe.shots import Shot
from sandbox.probe.stands import Stand
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import Node
from twinvpc.policy import nftables, routing
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.expect import Clients, expectations, foreign_probes
from twinvpc.proof.forwards import forwarded, ways
from twinvpc.proof.intent import matrix
from twinvpc.proof.probes import Expectation, Probe

_PEER, _HOST_IN_TAILNET = IPv4Address("100.64.0.7"), IPv4Address("100.64.0.1")


@dataclass(frozen=True)
class Network:
    """The `dell` stack of a folder.

    Attributes:
        intent: what the owner says.
        stack: its stack.
        plan: its addresses, with segments that are gone.
    """

    intent: Intent
    stack: LibvirtStack
    plan: LibvirtPlan

    @classmethod
    def read(cls, folder: Path) -> "Network":
        """Read the files of a folder.

        Raises:
            InvalidInputError: they are not right.
            TypeError: the stack is not libvirt's.
        """
        intent = load_stack(folder, "dell")
        if not isinstance(intent.stack, LibvirtStack):
            raise TypeError(f"{folder}: only a libvirt stack has nft rules")
        plan = libvirt_plan(intent.stack, record(intent, read_lock(folder)).of("dell"))
        return cls(intent, intent.stack, plan)

    @property
    def walls(self) -> Walls:
        """What is rendered from it. A program that only loads a text owns no table, so nobody owns the third one."""
        policy, target = compile_policy(self.intent), nftables.Target(self.plan, self.stack)
        held = nftables.render_held(policy, target).replace("    flags owner\n", "")
        fresh = f"table inet {HELD} {{}}\ndelete table inet {HELD}\n"
        whole = f"{nftables.render(policy, target)}\n{fresh}\n{held}"
        return Walls(whole, routing.rules(policy, self.plan), routing.rules6(self.plan))

    @property
    def retired(self) -> tuple[LabSegment, ...]:
        """Bridges of segments that are gone, each with the block it had."""
        return tuple(LabSegment(old.bridge, old.bridge, old.cidr) for old in self.plan.retired if old.cidr)


@dataclass
class World:
    """A network in the lab, without its walls.

    Attributes:
        network: the network.
        lab: where it stands.
        stands: where each node stands, and whatever else is called.
        expected: what the intent says of cells and of machines' ports.
        probes: these, and those that no cell speaks of.
        ground: for the tries beyond the matrix.
        wide: the same, in which retired bridges are segments that may open nothing.
        frames: shots that are the same each time: over IPv6, where nothing is remembered of them, and DHCP.
        calls: addresses that foreign rules lead elsewhere, by whom they lead to.
    """

    network: Network
    lab: Lab
    stands: Mapping[str, Stand]
    expected: tuple[Expectation, ...]
    probes: tuple[Probe, ...]
    ground: Ground
    wide: Ground
    frames: tuple[Shot, ...]
    calls: Mapping[str, Led]
    _routed: tuple[Sequence[str], Sequence[str]] = field(default=((), ()), init=False)

    def load(self, walls: Walls) -> None:
        """Put walls up, in place of those that stand; routing rules only where they are others."""
        self.lab.load_tables(walls.ruleset)
        if self._routed != (walls.rules, walls.rules6):
            self.lab.load_routing_rules(walls.rules, walls.rules6)
            self._routed = (walls.rules, walls.rules6)

    def tear_down(self) -> None:
        """Let no wall stand."""
        self.lab.nft("".join(f"table inet {one} {{}}\ndelete table inet {one}\n" for one in TABLES))
        self.lab.flush_routing_rules()
        self._routed = ((), ())


@contextmanager
def world(folder: Path) -> Generator[World]:
    """A folder's network in a lab of its own, for as long as a `with` block lasts.

    Raises:
        CommandError: a link, an address or a foreign rule could not be made.
    """
    network = Network.read(folder)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # many tries are under way at once; shells allow 1024
    peer = Anonymous()
    try:
        with Lab.create((*network.plan.segments, *network.retired)) as lab:
            nodes = _nodes(network, lab, peer)
            calls = led(nodes, ways(network.intent))
            _furnish(network, lab, peer, calls.values())
            found = tuple(places(nodes, lab.segments, network.retired, ways(network.intent), calls))
            ground = Ground(nodes, {s.name: s.bridge for s in lab.segments}, matrix(network.intent), pliable=True)
            wide = _wide(network, ground)
            ipv6.settle(wide)
            with ipv6.routes(wide):
                stands = {**nodes, **dict(_machines(network, lab)), **{one.stand.node: one.stand for one in found}}
                expected = _expected(network, nodes)
                beside = (probe for one in found for probe in one.probes)
                probes = (*(e.probe for e in expected), *foreign_probes(ground.matrix, nodes), *beside)
                frames = tuple(_frames(network, wide))
                yield World(network, lab, stands, expected, probes, ground, wide, frames, calls)
    finally:
        peer.close()


def _furnish(network: Network, lab: Lab, peer: Anonymous, calls: Iterable[Led]) -> None:
    """What the lab has not by itself: foreign rules, addresses beyond the Internet, a tailnet, machines' addresses."""
    tailnet, internet = network.stack.tailnet, lab.stands[Node.INTERNET]
    lab.nft(foreign.rules(calls, network.stack.docker.bridge))
    ip_batch(lab.host, list(astray.routes([segment.cidr for segment in lab.segments], ROUTER)))
    ip_batch(internet.netns, [f"addr add {one}/32 dev lo" for one in (*RESERVED, foreign.ELSEWHERE)])
    beyond = (f"route add {one} via {internet.address}" for one in (*RESERVED, RESOLVER))
    ip_batch(lab.router, [*beyond, *foreign.called_from_router(HOST)])
    for way in ways(network.intent):
        ip_batch(lab.stands[way.segment].answers("").netns, [f"addr add {way.address}/24 dev eth0"])
    if tailnet:
        link, host = tailnet.interface, f"addr add {_HOST_IN_TAILNET}/32 dev {tailnet.interface}"
        cable = f"link add {link} type veth peer name eth0 netns {peer.path}"
        ip_batch(lab.host, [cable, host, f"link set {link} up"])
        ways_out = [f"route add {_HOST_IN_TAILNET} dev eth0", f"route add default via {_HOST_IN_TAILNET}"]
        ip_batch(
            peer.path,
            [
                "link set lo up",
                "link set eth0 up",
                *(f"addr add {one}/32 dev eth0" for one in (_PEER, foreign.NO_PEER)),
                *ways_out,
            ],
        )
    ip_batch(lab.host, list(foreign.routes(tailnet.interface if tailnet else "")))


def _nodes(network: Network, lab: Lab, peer: Anonymous) -> dict[str, Stand]:
    """Who opens and answers under a name of the matrix, and retired bridges."""
    stands = dict(lab.stands)
    if network.stack.tailnet:
        stands[Node.TAILNET] = Stand(Node.TAILNET, peer.path, _PEER)
    return stands


def _machines(network: Network, lab: Lab) -> Iterator[tuple[str, Stand]]:
    """Machines as they are called: at the host's own address on the caller's side."""
    for way in ways(network.intent):
        server = replace(lab.stands[way.segment].answers(""), address=HOST, behind=way.address)
        yield way.machine, Stand(way.machine, server.netns, HOST, server, {Node.TAILNET: _HOST_IN_TAILNET})


def _wide(network: Network, ground: Ground) -> Ground:
    retired = (segment.name for segment in network.retired)
    return replace(ground, matrix=replace(ground.matrix, nodes=(*ground.matrix.nodes, *retired)))


def _frames(network: Network, wide: Ground) -> Iterator[Shot]:
    links = {Node.DOCKER0.value: network.stack.docker.bridge, Node.LAN.value: UPLINK}
    if network.stack.tailnet:
        links[Node.TAILNET] = network.stack.tailnet.interface
    yield from ipv6.shots(wide)
    yield from ipv6.more_shots(wide, links)
    yield from dhcp.shots(wide, {segment.name for segment in network.plan.segments if segment.dhcp})


def _expected(network: Network, nodes: Mapping[str, Stand]) -> tuple[Expectation, ...]:
    wanted = matrix(network.intent)
    own = {name: stand.address for name, stand in nodes.items()}
    clients = Clients(own, {s.name: s.router for s in network.plan.segments}, HOST)
    named = [node for node in wanted.nodes if node in nodes]
    return (*expectations(wanted, named, clients), *forwarded(ways(network.intent), named, clients))
