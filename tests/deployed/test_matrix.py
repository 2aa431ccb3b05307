"""The repo's own stack on the sandbox host: every cell as intended, and every kind of mistake seen and named."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.dell import World, in_dell
from sandbox.measure import Rig
from sandbox.measured import Measured
from sandbox.probe.guests import wait_for_forwarding
from sandbox.project import Project

pytestmark = pytest.mark.sandbox

RULESET = "/etc/twin-vpc/ruleset.nft"


def nft(world: World, text: str) -> None:
    in_dell(world, "nft", "-f", "-", stdin=text)


def reload(world: World) -> None:
    in_dell(world, "systemctl", "reload", "twin-vpc.service")


@contextmanager
def broken(world: World, text: str) -> Iterator[None]:
    """The rules as somebody broke them, and whole again afterwards."""
    nft(world, text)
    try:
        yield
    finally:
        reload(world)


@contextmanager
def unheld(world: World) -> Iterator[None]:
    """Without the third table, which nobody but its own process can change."""
    in_dell(world, "systemctl", "stop", "twin-vpc-hold.service")
    try:
        yield
    finally:
        in_dell(world, "systemctl", "start", "twin-vpc-hold.service")


def named(measured: Measured) -> set[tuple[str, str]]:
    return {(d.probe.source, d.probe.destination) for d in measured.differences}


def opened(measured: Measured) -> list[str]:
    """Denied probes that got through, even one way."""
    return [str(d) for d in measured.differences if d.intended == "closed"]


def test_every_cell_is_as_intended(measuring: Rig) -> None:
    measured = measuring.measure()
    assert not measured.failures, "\n".join(measured.failures)
    pairs = {(o.probe.source, o.probe.destination) for o in measured.observations}
    nodes = set(measuring.matrix.nodes)
    wanted = {(s, d) for s in nodes for d in nodes if s != d or s not in {"internet", "lan", "host", "docker0"}}
    assert pairs == wanted, "every ordered pair is tried"
    for pair in pairs:
        tried = {o.probe.protocol for o in measured.observations if (o.probe.source, o.probe.destination) == pair}
        assert {str(p) for p in tried} == {"tcp", "udp", "icmp"}, pair


def test_guests_have_leases_of_their_ranges_and_database_is_static(measuring: Rig) -> None:
    ranges = {"management": (10, 50), "public": (100, 200), "private": (100, 200), "container": (100, 200)}
    assert len(measuring.guests) == 10
    for guest in measuring.guests:
        if guest.segment == "database":
            assert not guest.leased
            continue
        low, high = ranges[guest.segment]
        assert guest.leased, guest
        assert guest.server == guest.router == guest.resolver
        assert low <= int(str(guest.address).rsplit(".", 1)[1]) <= high


def test_servers_see_the_clients_own_address_inside_and_the_uplink_outside(measuring: Rig) -> None:
    seen = {(o.probe.source, o.probe.destination): o.seen_as for o in measuring.measure().observations if o.open}
    own = {guest.segment: guest.address for guest in measuring.guests if guest.number == 1}
    assert seen["public", "database"] == own["public"]
    assert str(seen["database", "internet"]) == "192.168.1.10"


def test_a_dropped_rule_is_seen_and_named(deployed: Project, measuring: Rig) -> None:
    with broken(deployed.world, 'delete element inet twin_vpc leave_any { "br-public" . "br-database" }'):
        assert named(measuring.measure()) == {("public", "database")}


def test_a_widened_rule_is_seen_and_named(deployed: Project, measuring: Rig) -> None:
    widened = (
        'add element inet twin_vpc leave_any { "br-database" . "br-public" }\n'
        'add element inet twin_vpc enter_any { 10.0.3.0/24 . "br-public" }'
    )
    with broken(deployed.world, widened):
        measured = measuring.measure()
    assert named(measured) == {("database", "public")}
    assert opened(measured)


def test_one_gate_alone_opens_nothing(deployed: Project, measuring: Rig) -> None:
    with broken(deployed.world, 'add element inet twin_vpc leave_any { "br-database" . "br-public" }'):
        assert not measuring.measure().failures


def test_an_accept_ahead_of_the_gates_is_seen_and_named(deployed: Project, measuring: Rig) -> None:
    ahead = 'insert rule inet twin_vpc forward iifname "br-container" meta mark set meta mark | 0x6000000 accept'
    with broken(deployed.world, ahead):
        measured = measuring.measure()
    targets = {"management", "public", "private", "database", "lan", "docker0"}
    assert named(measured) == {("container", target) for target in targets}
    assert opened(measured)


def test_an_accept_ahead_of_the_gates_without_their_seals_opens_nothing(deployed: Project, measuring: Rig) -> None:
    with broken(deployed.world, 'insert rule inet twin_vpc forward iifname "br-container" accept'):
        assert not opened(measuring.measure())


def test_a_refusal_ahead_of_the_internet_rule_is_seen_and_named(deployed: Project, measuring: Rig) -> None:
    text = in_dell(deployed.world, "cat", RULESET)
    gate = "ip daddr != @not_public goto leave_internet"
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == gate)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    with broken(deployed.world, "\n".join(lines) + "\n"):
        measured = measuring.measure()
    segments = {guest.segment for guest in measuring.guests}
    assert named(measured) == {(segment, "internet") for segment in segments}


def test_with_every_gate_open_every_denied_cell_is_seen_open(deployed: Project, measuring: Rig) -> None:
    """The positive control of the whole matrix: nothing but the rules keeps a denied cell closed."""
    ours = ("leave goto left", "enter goto entered", "to_host accept")
    ours_open = [f"insert rule inet twin_vpc {rule}" for rule in ours]
    others = ("twin_vpc_host to_host", "firewalld filter_INPUT", "firewalld filter_FORWARD")
    all_open = "\n".join([*ours_open, *(f"insert rule inet {chain} accept" for chain in others)])
    try:
        with unheld(deployed.world), broken(deployed.world, all_open):
            measured = measuring.measure()
    finally:
        in_dell(deployed.world, "firewall-cmd", "--reload")
    closed = {e.probe for e in measuring.expectations if not e.open}
    ours = {p for p in closed if not measuring.matrix.cell(p.source, p.destination).foreign}
    still = ours - {d.probe for d in measured.differences if d.intended == "closed"}
    assert not still, f"closed by something else: {sorted(map(str, still))}"


@pytest.mark.parametrize(
    "lost",
    [
        "delete table inet twin_vpc",
        "flush table inet twin_vpc",
        "delete table inet twin_vpc_host",
        "flush table inet twin_vpc_host",
    ],
)
def test_without_a_table_no_denied_cell_opens(deployed: Project, measuring: Rig, lost: str) -> None:
    with broken(deployed.world, lost):
        measured = measuring.measure()
    assert not opened(measured)
    if lost.endswith("twin_vpc"):
        closed = named(measured)
        assert ("management", "database") in closed, "allowed cells close: the table really was gone"
    assert not measuring.measure().failures, "and all is well once it is back"


def test_a_network_set_to_nat_is_seen_and_named(deployed: Project, measuring: Rig) -> None:
    world = deployed.world
    original = in_dell(world, "virsh", "net-dumpxml", "--inactive", "database")
    assert "mode='open'" in original
    guests = in_dell(world, "sh", "-c", "bridge -o link show | grep 'master br-database' | cut -d: -f2 | cut -d@ -f1")
    try:
        redefine(world, original.replace("mode='open'", "mode='nat'"), guests.split())
        measured = measuring.measure()
    finally:
        redefine(world, original, guests.split())
    assert ("public", "database") in named(measured)
    assert all("database" in pair for pair in named(measured))
    assert ("database", "database") not in named(measured), "the guests do talk: it is the mode that differs"
    assert not measuring.measure().failures


def redefine(world: World, xml: str, ports: list[str], network: str = "database") -> None:
    in_dell(world, "virsh", "net-destroy", network)
    in_dell(world, "virsh", "net-define", "/dev/stdin", stdin=xml)
    in_dell(world, "virsh", "net-start", network)
    for port in ports:
        in_dell(world, "ip", "link", "set", port, "master", "br-database")
    for port in ports:
        wait_for_forwarding(world.places["dell"].netns, port)


@contextmanager
def setting(world: World, **values: int) -> Iterator[None]:
    """Settings of net.ipv4.conf.all, as another host may have them."""
    names = {name: f"net.ipv4.conf.all.{name}" for name in values}
    before = {name: in_dell(world, "sysctl", "-n", names[name]).strip() for name in values}
    in_dell(world, "sysctl", "-q", "-w", *(f"{names[name]}={value}" for name, value in values.items()))
    try:
        yield
    finally:
        in_dell(world, "sysctl", "-q", "-w", *(f"{names[name]}={value}" for name, value in before.items()))


@pytest.mark.parametrize("strictness", [1, 2])
def test_a_host_that_filters_reverse_paths_forwards_what_is_allowed(
    deployed: Project, measuring: Rig, strictness: int
) -> None:
    with setting(deployed.world, rp_filter=strictness):
        assert not measuring.measure().failures
    with setting(deployed.world, rp_filter=strictness, src_valid_mark=0):
        assert ("public", "database") in named(measuring.measure()), "the setting of ours is what makes it work"


@pytest.mark.parametrize(
    "chain", ["guard", "sign", "forward", "outward", "leave", "enter", "left", "entered", "leave_internet", "to_host"]
)
def test_an_emptied_chain_opens_nothing(deployed: Project, measuring: Rig, chain: str) -> None:
    with broken(deployed.world, f"flush chain inet twin_vpc {chain}"):
        measured = measuring.measure()
    assert not opened(measured)
    if chain != "to_host":
        assert named(measured), "something allowed closes: the chain really was empty"


def test_the_measurement_speaks_json(measuring: Rig) -> None:
    data = json.loads(json.dumps(measuring.measure().as_data()))
    assert data["equal"] is True
    assert {"source", "destination", "service", "open", "seen_as", "detail"} == set(data["probes"][0])
