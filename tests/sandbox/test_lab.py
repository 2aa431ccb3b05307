import os
import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.command import CommandError
from sandbox.probe.lab import CONTAINER, HOST, SEGMENTS, Lab, LabSegment
from twinvpc.model.nodes import FIXED_NODES
from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Probe

pytestmark = pytest.mark.root

CLOSED = """
table inet closed {
    chain forward { type filter hook forward priority 0; policy drop; }
    chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; }
    chain output { type filter hook output priority 0; policy drop; oifname "lo" accept; }
}
"""
MASQUERADE = """
table inet masked {
    chain out { type nat hook postrouting priority srcnat; oifname $uplinks ip saddr 10.0.0.0/16 masquerade; }
}
"""


def crossing(lab: Lab) -> list[Probe]:
    """Every pair of nodes that the host stands between, three protocols each."""
    outside = {"internet", "lan"}
    return [
        Probe(source, destination, protocol, port)
        for source in lab.stands
        for destination in lab.stands
        if source != destination and not {source, destination} <= outside
        for protocol, port in ((Protocol.TCP, 41999), (Protocol.UDP, 41999), (Protocol.ICMP, 0))
    ]


def open_handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_open_lab_answers_every_probe_with_the_true_client() -> None:
    with Lab.create() as lab:
        observations = lab.measure(crossing(lab))
        assert [str(seen.probe) for seen in observations if not seen.open] == []
        named = {segment.name for segment in SEGMENTS}
        seen_as = {(seen.probe.source, seen.seen_as) for seen in observations if seen.probe.source in named}
        assert seen_as == {(name, lab.stands[name].address) for name in named}


def test_a_closed_lab_answers_no_probe_and_lets_none_arrive() -> None:
    with Lab.create() as lab:
        lab.load(CLOSED)
        started = time.monotonic()
        observations = lab.measure(crossing(lab))
        assert [str(seen.probe) for seen in observations if seen.open or seen.arrived] == []
        assert time.monotonic() - started < 15


def test_an_inner_cell_is_tried_between_two_guests() -> None:
    with Lab.create() as lab:
        # bridged frames come past the host's rules too where br_netfilter is loaded
        lab.load(CLOSED.replace("policy drop; }", 'policy drop; iifname "br-public" oifname "br-public" accept; }', 1))
        (seen,) = lab.measure([Probe("public", "public", Protocol.TCP, 41999)])
        assert seen.open
        stand = lab.stands["public"]
        assert stand.server is not None
        assert stand.server.netns != stand.netns


def test_masquerading_shows_in_the_client_address() -> None:
    with Lab.create() as lab:
        probes = [
            Probe("public", "internet", protocol, port)
            for protocol, port in ((Protocol.TCP, 443), (Protocol.UDP, 443), (Protocol.ICMP, 0))
        ]
        assert {seen.seen_as for seen in lab.measure(probes)} == {lab.stands["public"].address}
        lab.load(MASQUERADE)
        assert {seen.seen_as for seen in lab.measure(probes)} == {HOST}


def test_docker_is_played_as_docker_does_it() -> None:
    with Lab.create() as lab:
        observations = lab.measure([Probe("docker0", node, Protocol.TCP, 80) for node in ("internet", "public")])
        assert {seen.seen_as for seen in observations} == {HOST, IPv4Address("10.0.1.1")}
        assert lab.stands["docker0"].address == CONTAINER


def test_loading_again_replaces_the_routing_rules() -> None:
    with Lab.create() as lab:
        before = lab.on_host("ip", "rule"), lab.on_host("ip", "-6", "rule")
        lab.load("", ["iif br-public prohibit", "iif br-private prohibit"], ["iif br-public prohibit"])
        lab.load("", ["iif br-public prohibit"])
        assert lab.on_host("ip", "rule").count("prohibit") == 1
        assert "prohibit" not in lab.on_host("ip", "-6", "rule")
        (seen,) = lab.measure([Probe("public", "private", Protocol.UDP, 5000)])
        assert seen.detail == "refused: admin prohibited (says 10.0.1.1)"
        lab.flush_routing_rules()
        assert (lab.on_host("ip", "rule"), lab.on_host("ip", "-6", "rule")) == before


def test_a_faulty_ruleset_is_refused_with_what_nft_said() -> None:
    with Lab.create() as lab, pytest.raises(CommandError, match="syntax error"):
        lab.load("table inet broken {")


def test_making_and_leaving_it_is_quick_and_leaves_nothing() -> None:
    namespaces = sorted(Path("/run/netns").iterdir()) if Path("/run/netns").exists() else []
    handles = open_handles()
    started = time.monotonic()
    lab = Lab.create()
    assert time.monotonic() - started < 3
    elsewhere = {"tailnet", "gateway", "aws-services"}
    assert set(lab.stands) == {segment.name for segment in SEGMENTS} | (FIXED_NODES - elsewhere)
    with pytest.raises(CommandError), lab:
        lab.nft("nonsense")
    assert open_handles() == handles
    now = sorted(Path("/run/netns").iterdir()) if Path("/run/netns").exists() else []
    assert {path for path in now if f"-{os.getpid()}" in path.name} <= set(namespaces)


def test_it_never_leaves_the_namespace_of_this_process() -> None:
    own = Path("/proc/self/ns/net").stat().st_ino
    with Lab.create() as lab:
        lab.measure([Probe("public", "private", Protocol.TCP, 41999)])
        threads = [path.stat().st_ino for path in Path("/proc/self/task").glob("*/ns/net")]
    assert set(threads) == {own}


def test_a_lab_that_cannot_be_built_leaves_nothing() -> None:
    handles = open_handles()
    with pytest.raises(CommandError):
        Lab.create([LabSegment("long", "a-name-longer-than-15", SEGMENTS[0].cidr)])
    assert open_handles() == handles
