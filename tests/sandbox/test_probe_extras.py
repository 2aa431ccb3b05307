import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.probe import extras, ipv6, spoofing, tunnel
from sandbox.probe.ground import ARRIVED, STOPPED, UNSEEN, Ground, Try
from sandbox.probe.guests import Guest
from sandbox.probe.lab import Lab
from sandbox.probe.namespaces import inside, run_inside
from sandbox.probe.shots import fire
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.policy.nftables import Target, render
from twinvpc.policy.routing import rules, rules6
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.intent import matrix

ROOT = Path(__file__).parents[2]


@cache
def owners() -> tuple[Intent, LibvirtStack, LibvirtPlan]:
    """The owner's own network: his is the policy that must stand."""
    intent = load_stack(ROOT, "dell")
    assert isinstance(intent.stack, LibvirtStack)
    return intent, intent.stack, libvirt_plan(intent.stack, read_lock(ROOT).of("dell"))


@pytest.fixture
def ground() -> Iterator[Ground]:
    intent, _, plan = owners()
    with Lab.create(plan.segments) as lab:
        bridges = {segment.name: segment.bridge for segment in plan.segments}
        yield Ground(lab.stands, bridges, matrix(intent), pliable=True)


def protect(ground: Ground, *after: str) -> None:
    """Load the owner's policy, and then nft lines that spoil it."""
    intent, stack, plan = owners()
    policy = compile_policy(intent)
    text = f'define uplinks = {{ "eno1" }}\n{render(policy, Target(plan, stack))}'
    run_inside(ground.host, "nft", "-f", "-", stdin="\n".join([text, *after]))
    for family, lines in (("-4", rules(policy, plan)), ("-6", rules6(plan))):
        batch = "".join(f"rule add pref {100 + number} {line}\n" for number, line in enumerate(lines))
        run_inside(ground.host, "ip", family, "-batch", "-", stdin=batch)


def wrong(tries: tuple[Try, ...]) -> list[str]:
    return [str(one) for one in tries if not one.right]


@pytest.mark.root
def test_on_an_unprotected_host_every_forbidden_try_succeeds_and_every_permitted_one_too(ground: Ground) -> None:
    found = Counter((one.intended, one.measured) for one in extras.tries(ground))
    assert set(found) == {
        (STOPPED, ARRIVED), ("closed", "open"), ("ignored", "believed"),
        (ARRIVED, ARRIVED), ("open", "open"), ("believed", "believed"),
    }  # fmt: skip
    assert found[STOPPED, ARRIVED] > 150


@pytest.mark.root
def test_behind_the_owners_policy_every_try_goes_as_intended(ground: Ground) -> None:
    protect(ground)
    tries = extras.tries(ground)
    assert wrong(tries) == []
    assert len({one.name for one in tries}) == len(tries), "a name that stands for two tries names neither"


@pytest.mark.root
def test_behind_a_guard_that_takes_every_source_for_genuine_the_false_ones_are_found_and_named(ground: Ground) -> None:
    genuine = "add rule inet twin_vpc guard meta mark set meta mark | 0x8000000"
    protect(ground, "flush chain inet twin_vpc guard", genuine)
    broken = wrong(fire(tuple(spoofing.shots(ground)), ground.host))
    assert all("pretends to be" in name for name in broken)
    name = "management pretends to be public towards private, udp/41999"
    assert f"{name}: intended {STOPPED}, measured {ARRIVED}" in broken


@pytest.mark.root
def test_with_ipv6_let_into_the_host_it_is_found_and_named(ground: Ground) -> None:
    spoil = [f"insert rule inet {table} to_host meta nfproto ipv6 accept" for table in ("twin_vpc", "twin_vpc_host")]
    protect(ground, *spoil)
    broken = wrong(ipv6.tries(ground))
    assert len(broken) == 3 * len(ground.segments), "icmp, udp and the advertisement, from each segment"
    assert all("the host" in name for name in broken)


@pytest.mark.root
def test_with_ipv6_routed_between_segments_it_is_found_and_named(ground: Ground) -> None:
    seals = {"leave": "left", "enter": "entered"}
    protect(ground, *(f"insert rule inet twin_vpc {on} meta nfproto ipv6 goto {to}" for on, to in seals.items()))
    run_inside(ground.host, "ip", "-6", "rule", "add", "pref", "99", "lookup", "main")
    broken = wrong(ipv6.tries(ground))
    assert len(broken) == len(ground.segments) * (len(ground.segments) - 1)
    assert all("over IPv6, udp" in name for name in broken)


@pytest.mark.root
def test_with_another_segments_router_address_let_in_it_is_found_and_named(ground: Ground) -> None:
    spoil = 'insert rule inet {} to_host iifname "br-database" ip daddr 10.0.0.1 udp dport 53 accept'
    protect(ground, spoil.format("twin_vpc"), spoil.format("twin_vpc_host"))
    (broken,) = wrong(extras.addresses.tries(ground))
    assert broken.startswith(
        "database → host's address 10.0.0.1 on br-management udp/53: intended closed, measured open"
    )


@pytest.mark.root
def test_a_packet_that_was_never_sent_is_no_proof(ground: Ground) -> None:
    protect(ground)
    run_inside(ground.stands["database"].netns, "ip", "route", "delete", "default")
    shots = [shot for shot in spoofing.shots(ground) if shot.name.startswith("database pretends")]
    tries = fire(shots, ground.host)
    assert {one.measured for one in tries} == {UNSEEN}
    assert {one.detail for one in tries} == {"not sent: Network is unreachable"}
    assert not any(one.right for one in tries)


@contextmanager
def forwarder(ground: Ground, segment: str, log: Path | None, kind: socket.SocketKind) -> Iterator[None]:
    """A name server on a router address that asks the Internet, where that keeps a log."""
    server = inside(ground.host, lambda: socket.socket(socket.AF_INET, kind))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((str(ground.router(segment)), 53))
    server.settimeout(3)
    if kind == socket.SOCK_STREAM:
        server.listen()

    def reply(query: bytes) -> bytes:
        if log:
            name = query[13 : 13 + 32].decode()
            log.write_text(log.read_text() + json.dumps({"name": f"{name}.tunnel.test"}) + "\n")
        code = 0 if log else 5
        return query[:2] + bytes([0x81, 0x80 | code]) + query[4:]

    def serve() -> None:
        if kind == socket.SOCK_DGRAM:
            query, client = server.recvfrom(4096)
            server.sendto(reply(query), client)
            return
        stream, _ = server.accept()
        with stream:
            said = reply(stream.recv(4096)[2:])
            stream.sendall(len(said).to_bytes(2, "big"))
            stream.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        server.close()


@pytest.mark.root
def test_a_tunnel_is_open_exactly_where_the_internet_heard_the_name(ground: Ground, tmp_path: Path) -> None:
    log = tmp_path / "dns.log"
    log.touch()
    ground = replace(ground, dns_log=log, outside=frozenset({"public"}))
    asks = {"public": log, "private": log, "database": None}
    with ExitStack() as servers:
        for segment, told in asks.items():
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                servers.enter_context(forwarder(ground, segment, told, kind))
        tries = {(one.name.partition(":")[0], one.name[-3:]): one for one in tunnel.tries(ground)}
    for transport in ("UDP", "TCP"):
        assert tries["public", transport].right
        assert tries["private", transport].measured == "reached the Internet"
        assert not tries["private", transport].right
        assert tries["database", transport].right
        assert tries["database", transport].detail == "refused"


def test_where_the_internet_keeps_no_log_no_tunnel_is_tried() -> None:
    intent, _, _ = owners()
    assert tunnel.tries(Ground({}, {}, matrix(intent))) == ()


def test_a_lease_must_come_from_the_segments_own_router() -> None:
    router = IPv4Address("10.0.1.1")
    good = Guest("public", 1, Path("/x"), IPv4Address("10.0.1.100"), router, router, router)
    static = Guest("database", 1, Path("/x"), IPv4Address("10.0.3.20"), IPv4Address("10.0.3.1"))
    assert wrong(extras.leases([good, static], ["public"])) == []
    foreign = replace(good, server=IPv4Address("10.0.1.66"))
    assert len(wrong(extras.leases([foreign, static], ["public", "database"]))) == 2
