"""The flood in a plain lab: its pace, what it hears, and that it would hear what is open."""

import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from sandbox.probe.flood import Flood, Jet, PlaceEar, Report, WireEar
from sandbox.probe.lab import Lab
from sandbox.probe.namespaces import run_inside
from twinvpc.model.services import Protocol

pytestmark = pytest.mark.root

WALL = """
table inet wall {
    chain forward {
        type filter hook forward priority 0; policy accept;
        oifname "br-database" drop
    }
}
"""
CLOSED = ("public", "lan", "docker0")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.create() as made:
        yield made


@pytest.fixture
def wall(lab: Lab) -> Iterator[Lab]:
    lab.nft(WALL)
    yield lab
    lab.nft("table inet wall {}\ndelete table inet wall")


def jet(lab: Lab, source: str, target: str, protocol: Protocol, *, allowed: bool = False) -> Jet:
    end = lab.stands[target].answers(source)
    return Jet(source, target, lab.stands[source].address, end.address, protocol, 41999, allowed=allowed)


def flood(lab: Lab, seconds: float = 2.0, cut_off: str = "") -> Report:
    both = (Protocol.TCP, Protocol.UDP)
    jets = [
        *(jet(lab, source, "database", protocol) for source in CLOSED for protocol in both),
        *(jet(lab, "database", target, protocol, allowed=True) for target in ("public", "lan") for protocol in both),
    ]
    ears = [
        *(PlaceEar(name, lab.stands[name].answers("").netns) for name in ("public", "database", "lan")),
        WireEar("the wire of the router", lab.router),
    ]
    if cut_off:
        run_inside(lab.stands[cut_off].netns, "ip", "link", "set", "eth0", "down")
    try:
        with Flood(jets, {one.source: lab.stands[one.source].netns for one in jets}, ears) as running:
            time.sleep(seconds)
        return running.report()
    finally:
        if cut_off:
            run_inside(lab.stands[cut_off].netns, "ip", "link", "set", "eth0", "up")


def test_it_keeps_its_pace_hears_nothing_denied_and_every_control(wall: Lab) -> None:
    report = flood(wall)
    assert report.rate >= 500, str(report)
    assert report.breaches == {}
    assert all(heard for _, heard in report.controls.values()), report.controls
    assert "0 heard" in str(report)


def test_without_the_wall_every_denied_jet_is_heard_and_named(lab: Lab) -> None:
    heard = flood(lab).breaches
    assert set(heard) == {f"{s} → database {p}/41999, heard at database" for s in CLOSED for p in ("tcp", "udp")}
    assert all(number > 10 for number in heard.values()), heard


def test_what_leaves_by_another_way_is_heard_on_the_wire(wall: Lab) -> None:
    """A bridge that is down has no route, so its packets follow the default route into the LAN."""
    wall.on_host("ip", "link", "set", "br-database", "down")
    try:
        heard = flood(wall).breaches
    finally:
        wall.on_host("ip", "link", "set", "br-database", "up")
    assert set(heard) >= {f"public → database {p}/41999, heard at the wire of the router" for p in ("tcp", "udp")}


def test_a_node_that_is_cut_off_leaves_its_turn_to_the_others(wall: Lab) -> None:
    report = flood(wall, cut_off="docker0")
    assert report.rate >= 500, str(report)


@pytest.mark.parametrize("told", [True, False])
def test_a_second_without_packets_counts_unless_it_was_said_that_nobody_can_send(wall: Lab, *, told: bool) -> None:
    jets = [jet(wall, "public", "database", Protocol.UDP)]
    sender = wall.stands["public"].netns
    with Flood(jets, {"public": sender}, []) as running:
        time.sleep(1.2)
        with running.apart() if told else nullcontext():
            run_inside(sender, "ip", "link", "set", "eth0", "down")
            time.sleep(1.5)
            run_inside(sender, "ip", "link", "set", "eth0", "up")
            time.sleep(1)
        time.sleep(1.2)
    assert (running.report().slowest >= 500) is told, str(running.report())
