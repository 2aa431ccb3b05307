"""The host's ports that lead to machines, under real packets: from LAN and tailnet, and from nowhere else."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.probe.lab import HOST, NAS, Lab
from sandbox.probe.namespaces import Anonymous, inside, ip_batch, raw_socket
from sandbox.probe.packets import Packet, parse
from tests.policy.networks import MACHINES
from twinvpc.model.services import Protocol
from twinvpc.policy.routing import rules, rules6
from twinvpc.proof.cells import DENIED
from twinvpc.proof.compare import differences
from twinvpc.proof.expect import Clients, expectations
from twinvpc.proof.forwards import Way, forwarded, ways
from twinvpc.proof.intent import matrix
from twinvpc.proof.probes import Expectation, Observation, Probe

pytestmark = pytest.mark.root

PEER, HOST_IN_TAILNET = IPv4Address("100.64.0.7"), IPv4Address("100.64.0.1")
OTHER_PORT = 2312
WEB, DB = "web-1", "db-3"


def packets(ear: socket.socket) -> Iterator[Packet]:
    """What a raw socket has heard so far."""
    while True:
        try:
            found = parse(ear.recv(65535))
        except BlockingIOError:
            return
        if found:
            yield found


@dataclass(frozen=True)
class World:
    """The lab with two machines and a peer in the tailnet.

    Attributes:
        lab: the lab.
        sources: namespace and address of everybody who tries.
        machines: namespace of each machine.
    """

    lab: Lab
    sources: dict[str, tuple[Path, IPv4Address]]
    machines: dict[str, Path]
    ways: dict[str, Way]

    def load(self) -> None:
        self.lab.load(MACHINES.ruleset, rules(MACHINES.policy, MACHINES.plan), rules6(MACHINES.plan))

    def seen(self, source: str, address: object, port: int, machine: str) -> IPv4Address | None:
        """Whom a machine sees when somebody connects: the sender of the first packet that arrives, answered or not."""
        return self.attempt(source, address, port, machine)[0]

    def attempt(self, source: str, address: object, port: int, machine: str) -> tuple[IPv4Address | None, bool]:
        """Whom a machine sees within a second, and whether the connection stands."""

        def connect() -> bool:
            with socket.socket() as mouth:
                mouth.settimeout(1)
                return mouth.connect_ex((str(address), port)) == 0

        netns = self.machines[machine]
        with raw_socket(netns, socket.AF_INET, socket.IPPROTO_TCP) as ear:
            with inside(netns, lambda: socket.create_server(("0.0.0.0", port))):
                answered = inside(self.sources[source][0], connect)
            return next((one.source for one in packets(ear) if one.opens_tcp and one.ports[1] == port), None), answered

    def through_host(self, probe: Probe) -> Observation:
        """Try one of the proof's probes at the host's own address on the source's side."""
        way = self.ways[probe.destination]
        at = HOST_IN_TAILNET if probe.source == "tailnet" else HOST
        client, answered = self.attempt(probe.source, at, way.port, way.machine)
        arrived = client is not None
        return Observation(probe, answered and arrived, client, "no connection", arrived)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    found = {way.machine: way for way in ways(MACHINES.intent)}
    peer = Anonymous()
    with Lab.create(MACHINES.plan.segments) as lab:
        machines: dict[str, Path] = {}
        for name, way in found.items():
            server = lab.stands[way.segment].server
            assert server is not None
            machines[name] = server.netns
            ip_batch(server.netns, [f"addr add {way.address}/24 dev eth0"])
        ip_batch(
            lab.host,
            [
                f"link add tailscale0 type veth peer name eth0 netns {peer.path}",
                f"addr add {HOST_IN_TAILNET}/32 dev tailscale0", "link set tailscale0 up",
                "route add 100.64.0.0/10 dev tailscale0 table 52", "route add 100.64.0.0/10 dev tailscale0",
            ],
        )  # fmt: skip
        own = [f"addr add {PEER}/32 dev eth0", "link set eth0 up", "route add default dev eth0"]
        ip_batch(peer.path, [*own, "link set lo up"])
        sources = {name: (stand.netns, stand.address) for name, stand in lab.stands.items()}
        yield World(lab, {**sources, "tailnet": (peer.path, PEER)}, machines, found)
    peer.close()


@pytest.fixture
def guarded(world: World) -> World:
    world.load()
    return world


def clients(world: World) -> Clients:
    return Clients({name: address for name, (_, address) in world.sources.items()}, {}, HOST)


def test_lan_and_tailnet_reach_each_machine_through_the_host_and_nobody_else_does(guarded: World) -> None:
    expected = forwarded(guarded.ways.values(), guarded.sources, clients(guarded))
    assert {e.probe.source for e in expected if e.open} == {"lan", "tailnet"}
    assert len([e for e in expected if not e.open]) == 2 * (len(guarded.sources) - 3)
    seen = [guarded.through_host(e.probe) for e in expected]
    assert not differences(expected, seen)


def test_a_machine_sees_who_really_comes(guarded: World) -> None:
    assert guarded.seen("lan", HOST, guarded.ways[WEB].port, WEB) == NAS


@pytest.mark.parametrize("source", ["lan", "internet", "docker0", "tailnet", "api"])
def test_nobody_reaches_a_machines_port_by_its_own_address(guarded: World, source: str) -> None:
    way = guarded.ways[WEB]
    assert guarded.seen(source, way.address, way.port, WEB) is None


def test_the_host_itself_reaches_it_so_the_way_is_open_to_somebody(guarded: World) -> None:
    """The positive control of the denials above."""
    way = guarded.ways[WEB]
    assert guarded.seen("host", way.address, way.port, WEB) is not None


@pytest.mark.parametrize("address", [HOST, MACHINES.plan.segments[3].router, "10.0.21.11"])
def test_another_port_leads_nowhere(guarded: World, address: object) -> None:
    assert guarded.seen("lan", address, OTHER_PORT, WEB) is None


def test_a_router_address_is_no_way_to_a_machine(guarded: World) -> None:
    router = next(s.router for s in MACHINES.plan.segments if s.name == guarded.ways[WEB].segment)
    assert guarded.seen("lan", router, guarded.ways[WEB].port, WEB) is None


def test_a_segments_guest_comes_back_by_no_address_of_the_host(guarded: World) -> None:
    way = guarded.ways[WEB]
    for segment in MACHINES.plan.segments:
        assert guarded.seen(segment.name, segment.router, way.port, WEB) is None
        assert guarded.seen(segment.name, HOST, way.port, WEB) is None


FOREIGN = """
table ip foreign {{
    chain prerouting {{
        type nat hook prerouting priority dstnat - 20; policy accept;
        tcp dport {port} dnat to {to}
    }}
}}
"""


@pytest.fixture
def with_foreign_forward(guarded: World) -> Iterator[World]:
    yield guarded
    guarded.lab.nft("table ip foreign {}\ndelete table ip foreign\n")


def test_a_forward_of_somebody_elses_lets_the_internet_in_nowhere(with_foreign_forward: World) -> None:
    way = with_foreign_forward.ways[WEB]
    with_foreign_forward.lab.nft(FOREIGN.format(port=way.port, to=f"{way.address}:{way.port}"))
    assert with_foreign_forward.seen("internet", HOST, way.port, WEB) is None
    assert with_foreign_forward.seen("api", HOST, way.port, WEB) is None
    assert with_foreign_forward.seen("lan", HOST, way.port, WEB) == NAS, "the foreign forward works"


def test_a_forward_of_somebody_elses_opens_no_other_port(with_foreign_forward: World) -> None:
    way = with_foreign_forward.ways[WEB]
    with_foreign_forward.lab.nft(FOREIGN.format(port=OTHER_PORT, to=f"{way.address}:{OTHER_PORT}"))
    assert with_foreign_forward.seen("lan", HOST, OTHER_PORT, WEB) is None


@pytest.mark.parametrize(
    "loss",
    [
        "delete element inet twin_vpc machine_at { 2311 }",
        "delete element inet twin_vpc machine_ports { 10.0.21.11 . 2311 }",
        "flush chain inet twin_vpc to_machines",
        "flush chain inet twin_vpc forward",
        "delete table inet twin_vpc",
    ],
)
def test_every_part_is_needed(guarded: World, loss: str) -> None:
    assert guarded.seen("lan", HOST, 2311, WEB) == NAS
    guarded.lab.nft(loss)
    assert guarded.seen("lan", HOST, 2311, WEB) is None


def test_the_proof_notices_a_forward_for_the_internet(guarded: World) -> None:
    """The negative control: translation and gates widened to every client, then the way back closed again."""
    expected = [
        e for e in forwarded(guarded.ways.values(), ["internet"], clients(guarded)) if e.probe.destination == WEB
    ]
    both = (
        ("iifname $uplinks ip saddr @lan ip daddr", "iifname $uplinks ip daddr"),
        ("oifname $uplinks ip daddr @lan ip saddr", "oifname $uplinks ip saddr"),
    )
    assert all(narrow in MACHINES.ruleset for narrow, _ in both)
    for widened, measured in ((both, "open (the server saw"), (both[:1], "arrived without an answer")):
        text = MACHINES.ruleset
        for narrow, wide in widened:
            text = text.replace(narrow, wide)
        guarded.lab.load(text, rules(MACHINES.policy, MACHINES.plan), rules6(MACHINES.plan))
        (found,) = differences(expected, [guarded.through_host(e.probe) for e in expected])
        assert str(found).startswith(f"internet → web-1 tcp/2311: intended closed, measured {measured}")


def test_a_cell_towards_a_segment_stays_denied_and_is_tried_on_the_machines_ports(guarded: World) -> None:
    wanted = matrix(MACHINES.intent)
    assert wanted.cell("lan", "db") == DENIED
    stands = guarded.lab.stands
    own = {name: stand.address for name, stand in stands.items()}
    everything = Clients(own, {s.name: s.router for s in MACHINES.plan.segments}, HOST)
    expected = [e for e in expectations(wanted, stands, everything) if e.probe.port in {2311, 2335}]
    assert Expectation(Probe("lan", "db", Protocol.TCP, 2335), open=False, client=None) in expected
    assert not differences(expected, guarded.lab.measure([e.probe for e in expected]))
