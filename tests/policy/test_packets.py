"""Packets that no cell of the matrix stands for: to router addresses from outside, past dead bridges, untracked."""

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.probe.lab import Lab
from sandbox.probe.namespaces import inside, run_inside
from tests.policy.networks import PORTS
from twinvpc.policy.routing import SIGNED, rules, rules6

pytestmark = pytest.mark.root

WEB_ROUTER, API_ROUTER = "10.0.21.1", "10.0.22.1"
HEARD = b"heard"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.create(PORTS.plan.segments) as made:
        yield made


@pytest.fixture
def guarded(lab: Lab) -> Lab:
    lab.load(PORTS.ruleset, rules(PORTS.policy, PORTS.plan), rules6(PORTS.plan))
    return lab


def unguard(lab: Lab, *tables: str) -> None:
    """Take tables of ours away, and with the last one the routing rules too."""
    lab.nft("".join(f"table inet {table} {{}}\ndelete table inet {table}\n" for table in tables))
    if len(tables) > 1:
        lab.flush_routing_rules()


def arrives(lab: Lab, source: Path, address: str, port: int = 5353, bound: tuple[str, int] | None = None) -> bool:
    """Whether one datagram to the host, sent from a namespace, reaches a socket there."""

    def hear() -> socket.socket:
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind(("0.0.0.0", port))
        ear.settimeout(0.7)
        return ear

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if bound:
                mouth.bind(bound)
            mouth.sendto(HEARD, (address, port))

    with inside(lab.host, hear) as ear:
        inside(source, send)
        try:
            return ear.recv(64) == HEARD
        except TimeoutError:
            return False


def passed(netns: Path, match: str, lab: Lab, packet: tuple[Path, str]) -> int:
    """How many packets of a kind a namespace sees while one datagram is sent."""
    chain = f"type filter hook prerouting priority -400\n {match} counter"
    run_inside(netns, "nft", "-f", "-", stdin=f"table ip seen {{\n chain first {{\n {chain}\n }}\n }}")
    arrives(lab, packet[0], packet[1], port=9)
    found = re.search(r"counter packets (\d+)", run_inside(netns, "nft", "list", "table", "ip", "seen"))
    run_inside(netns, "nft", "delete", "table", "ip", "seen")
    assert found
    return int(found[1])


@pytest.mark.parametrize("source", ["lan", "internet", "docker0"])
def test_a_router_address_answers_its_own_segment_only(guarded: Lab, source: str) -> None:
    netns = guarded.stands[source].netns
    assert not arrives(guarded, netns, WEB_ROUTER)
    unguard(guarded, "twin_vpc")
    assert not arrives(guarded, netns, WEB_ROUTER), "the second wall holds as well"
    unguard(guarded, "twin_vpc", "twin_vpc_host")
    assert arrives(guarded, netns, WEB_ROUTER), "so it was our tables that held"


def test_the_host_reaches_its_own_router_addresses_and_is_reached_elsewhere(guarded: Lab) -> None:
    assert arrives(guarded, guarded.host, WEB_ROUTER)
    assert arrives(guarded, guarded.stands["lan"].netns, "192.168.1.10"), "not ours to close"


def test_a_guest_whose_lease_runs_out_may_ask_everybody_and_only_for_a_lease(guarded: Lab) -> None:
    """RFC 2131, REBINDING: from its own address to the broadcast address; `db` has no DHCP and may not."""
    web, database = guarded.stands["web"], guarded.stands["db"]
    assert arrives(guarded, web.netns, "255.255.255.255", 67, (str(web.address), 68))
    assert not arrives(guarded, database.netns, "255.255.255.255", 67, (str(database.address), 68))
    assert not arrives(guarded, web.netns, "255.255.255.255", 69, (str(web.address), 68))
    assert not arrives(guarded, web.netns, API_ROUTER, 67, (str(web.address), 68)), "a neighbour's router"


@pytest.mark.parametrize("source", ["web", "lan"])
def test_what_is_for_a_bridge_that_is_down_goes_nowhere_else(guarded: Lab, source: str) -> None:
    """Without the bridge's route it would follow the default route, out into the home network."""
    packet = (guarded.stands[source].netns, str(guarded.stands["api"].address))
    seen = (
        "ip daddr 10.0.22.0/24 ip saddr != 192.168.1.0/24" if source == "web" else "ip daddr 10.0.22.0/24 ip ttl < 64"
    )
    run_inside(guarded.host, "ip", "link", "set", "br-api", "down")
    try:
        assert passed(guarded.router, seen, guarded, packet) == 0
        unguard(guarded, "twin_vpc", "twin_vpc_host")
        assert passed(guarded.router, seen, guarded, packet) > 0, "so it was our table that held"
    finally:
        run_inside(guarded.host, "ip", "link", "set", "br-api", "up")


def test_what_connection_tracking_was_told_to_ignore_does_not_leave_with_a_private_source(guarded: Lab) -> None:
    chain = "type filter hook prerouting priority raw - 10\n ip saddr 10.0.20.0/24 notrack"
    packet = (guarded.stands["admin"].netns, str(IPv4Address("203.0.113.10")))
    guarded.nft(f"table ip other {{\n chain raw {{\n {chain}\n }}\n }}")
    try:
        assert passed(guarded.router, "ip saddr 10.0.20.0/24", guarded, packet) == 0
        open_gate = PORTS.ruleset.replace("ct state invalid,untracked ", "ct state invalid ")
        guarded.load(open_gate, rules(PORTS.policy, PORTS.plan), rules6(PORTS.plan))
        assert passed(guarded.router, "ip saddr 10.0.20.0/24", guarded, packet) > 0, "so it was that rule that held"
    finally:
        guarded.nft("delete table ip other")


def test_somebody_elses_mark_on_a_foreign_packet_does_not_lead_it_past_the_owners_rules(guarded: Lab) -> None:
    """The owner sends the NAS nowhere; a program of theirs happens to use the bit of our sign."""
    packet = (guarded.stands["lan"].netns, str(guarded.stands["docker0"].address))
    chain = f"type filter hook prerouting priority mangle\n iifname eno1 meta mark set {SIGNED.partition('/')[0]}"
    guarded.nft(f"table ip other {{\n chain first {{\n {chain}\n }}\n }}")
    guarded.on_host("ip", "rule", "add", "pref", "6000", "from", "192.168.1.20", "prohibit")
    try:
        assert passed(guarded.stands["docker0"].netns, "ip saddr 192.168.1.20", guarded, packet) == 0
        guarded.on_host("ip", "rule", "add", "pref", "900", "fwmark", SIGNED, "lookup", "main")
        assert passed(guarded.stands["docker0"].netns, "ip saddr 192.168.1.20", guarded, packet) > 0, "the mark alone"
    finally:
        guarded.on_host("ip", "rule", "del", "pref", "6000")
        guarded.nft("delete table ip other")
