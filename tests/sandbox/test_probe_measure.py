import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.probe import clients, servers
from sandbox.probe import measure as measuring
from sandbox.probe.attempts import MeasurementError
from sandbox.probe.lab import Lab
from sandbox.probe.measure import measure
from sandbox.probe.namespaces import inside, run_inside
from sandbox.probe.stands import Stand
from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Observation, Probe

PORT = 41999
TCP = Probe("public", "private", Protocol.TCP, PORT)
UDP = Probe("public", "private", Protocol.UDP, PORT)
ICMP = Probe("public", "private", Protocol.ICMP)
SOURCE = IPv4Address("10.0.1.201")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.create() as one:
        yield one


def only(lab: Lab, probe: Probe) -> Observation:
    (seen,) = lab.measure([probe])
    return seen


def rule(lab: Lab, text: str, hook: str = "forward") -> None:
    lab.nft(f"table inet one {{ chain one {{ type filter hook {hook} priority 0; {text}; }}; }}")


@contextmanager
def serving(netns: Path, protocol: Protocol, port: int, reply: bytes | None) -> Iterator[None]:
    """A service that is not ours: it answers whatever it is asked with the same bytes, or echoes if none are given."""
    kind = socket.SOCK_STREAM if protocol is Protocol.TCP else socket.SOCK_DGRAM
    server = inside(netns, lambda: socket.socket(socket.AF_INET, kind))
    server.bind(("0.0.0.0", port))
    server.settimeout(0.1)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                if protocol is Protocol.UDP:
                    data, client = server.recvfrom(4096)
                    server.sendto(data if reply is None else reply, client)
                else:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(reply or b"")
            except TimeoutError:
                continue

    if protocol is Protocol.TCP:
        server.listen()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        server.close()


@pytest.mark.root
@pytest.mark.parametrize("probe", [TCP, UDP, ICMP], ids=str)
def test_a_request_that_arrives_but_whose_answer_is_lost_is_closed_and_arrived(lab: Lab, probe: Probe) -> None:
    rule(lab, 'iifname "br-private" oifname "br-public" drop')
    seen = only(lab, probe)
    assert (seen.open, seen.arrived, seen.seen_as) == (False, True, SOURCE)
    assert seen.detail == "no answer in 1.0 s"


@pytest.mark.root
@pytest.mark.parametrize("probe", [TCP, UDP, ICMP], ids=str)
def test_a_dropped_request_is_closed_and_did_not_arrive(lab: Lab, probe: Probe) -> None:
    rule(lab, 'iifname "br-public" oifname "br-private" drop')
    seen = only(lab, probe)
    assert (seen.open, seen.arrived, seen.seen_as) == (False, False, None)


@pytest.mark.root
@pytest.mark.parametrize("probe", [TCP, UDP, ICMP], ids=str)
def test_a_refused_request_says_by_whom(lab: Lab, probe: Probe) -> None:
    rule(lab, 'iifname "br-public" reject with icmpx admin-prohibited')
    assert only(lab, probe).detail == "refused: admin prohibited (says 10.0.1.1)"


@pytest.mark.root
def test_a_reset_is_told_from_silence(lab: Lab) -> None:
    rule(lab, 'iifname "br-public" meta l4proto tcp reject with tcp reset')
    seen = only(lab, TCP)
    assert (seen.open, seen.arrived, seen.detail) == (False, False, "refused: reset")


@pytest.mark.root
@pytest.mark.parametrize("probe", [TCP, UDP, ICMP], ids=str)
def test_a_source_without_a_route_says_so(lab: Lab, probe: Probe) -> None:
    run_inside(lab.stands["public"].netns, "ip", "route", "delete", "default")
    seen = only(lab, probe)
    assert (seen.open, seen.detail) == (False, "no route")


@pytest.mark.root
def test_packets_dropped_by_the_hosts_own_input_rules_have_not_arrived(lab: Lab) -> None:
    rule(lab, 'iifname "br-public" drop', hook="input")
    for protocol, port in ((Protocol.TCP, PORT), (Protocol.UDP, PORT), (Protocol.ICMP, 0)):
        seen = only(lab, Probe("public", "host", protocol, port))
        assert (seen.open, seen.arrived) == (False, False)


@pytest.mark.root
def test_the_host_answers_each_source_on_its_own_router_address(lab: Lab) -> None:
    rule(lab, 'iifname "br-public" ip daddr != 10.0.1.1 drop', hook="input")
    assert only(lab, Probe("public", "host", Protocol.UDP, PORT)).open
    assert only(lab, Probe("lan", "host", Protocol.UDP, PORT)).open


@pytest.mark.root
@pytest.mark.parametrize("probe", [TCP, UDP], ids=str)
def test_an_echo_with_a_wrong_nonce_is_not_open(lab: Lab, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf_to_this(_: object, _patience: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(measuring, "_hear", deaf_to_this)
    monkeypatch.setattr(servers, "echo", lambda nonce: nonce[::-1])
    seen = only(lab, probe)
    assert (seen.open, seen.arrived, seen.detail) == (False, True, "answered, but not to this try")


@pytest.mark.root
def test_a_listener_that_echoes_wrongly_stops_the_measurement(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "echo", lambda nonce: nonce[::-1])
    with pytest.raises(MeasurementError, match=r"10\.0\.2\.202 tcp/41999"):
        only(lab, TCP)


@pytest.mark.root
@pytest.mark.parametrize(("slices", "opened"), [(10, 4), (1, 0)])
def test_a_busy_machine_makes_nothing_closed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, slices: int, opened: int
) -> None:
    """Each connection keeps the whole process from looking for a while; with one look only, all would seem closed."""
    accept = servers.Listener._accept

    def slow(listener: servers.Listener) -> None:
        time.sleep(0.4)
        accept(listener)

    monkeypatch.setattr(clients, "_SLICES", slices)
    monkeypatch.setattr(servers.Listener, "_accept", slow)
    seen = lab.measure(Probe("public", "private", Protocol.TCP, PORT + number) for number in range(4))
    assert sum(one.open for one in seen) == opened


@pytest.mark.root
def test_an_answer_from_somebody_in_between_is_not_the_destinations(lab: Lab) -> None:
    """The host redirects the try to a listener of its own: answered, but never seen by the destination."""
    lab.nft(
        "table ip twist { chain pre { type nat hook prerouting priority dstnat; "
        f'iifname "br-public" udp dport {PORT} redirect; }}; }}'
    )
    with serving(lab.host, Protocol.UDP, PORT, None):
        seen = only(lab, UDP)
    assert (seen.open, seen.detail) == (False, "answered by something else than the destination")


@pytest.mark.root
def test_a_real_service_is_spoken_to_and_whom_it_saw_is_known(lab: Lab) -> None:
    service = (Protocol.TCP, 2200)
    stands = {**lab.stands, "host": replace(lab.stands["host"], services=frozenset({service}))}
    with serving(lab.host, Protocol.TCP, 2200, b"SSH-2.0-x\r\n"):
        (seen,) = measure([Probe("public", "host", *service)], stands)
    assert (seen.open, seen.seen_as, seen.detail) == (True, SOURCE, "answered")


@pytest.mark.root
def test_a_real_dns_server_must_answer_this_very_question(lab: Lab) -> None:
    service = (Protocol.UDP, 53)
    stands = {**lab.stands, "host": replace(lab.stands["host"], services=frozenset({service}))}
    with serving(lab.host, Protocol.UDP, 53, b"\0\1\x81\x80" + b"\0" * 60):
        (seen,) = measure([Probe("public", "host", *service)], stands)
    assert (seen.open, seen.arrived, seen.detail) == (False, True, "answered, but not to this try")


@pytest.mark.root
def test_a_taken_port_is_named_with_the_way_out(lab: Lab) -> None:
    with (
        serving(lab.host, Protocol.UDP, 53, None),
        pytest.raises(MeasurementError, match=r"10\.0\.1\.1 udp/53 .*Stand\.services"),
    ):
        only(lab, Probe("public", "host", Protocol.UDP, 53))


NOWHERE = Stand("x", Path("/nonexistent"), IPv4Address("127.0.0.1"), services=frozenset({(Protocol.UDP, 99)}))


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (Probe("x", "gone", Protocol.ICMP), "nobody stands in `gone`"),
        (Probe("x", "x", Protocol.ANY), "`any` cannot be tried"),
        (Probe("x", "x", Protocol.UDP, 99), "only DNS"),
    ],
    ids=["no stand", "any", "unknown service"],
)
def test_what_cannot_be_measured_is_refused(probe: Probe, words: str) -> None:
    with pytest.raises(MeasurementError, match=words):
        measure([probe], {"x": NOWHERE})
