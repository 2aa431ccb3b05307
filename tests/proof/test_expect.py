"""Every cell is tried, at every edge of every range, and the client that a server must see is the right one."""

from ipaddress import IPv4Address

import pytest

from tests.policy.networks import OWNER, PORTS, Case
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT, Clients, as_before, expectations, foreign_probes
from twinvpc.proof.intent import matrix
from twinvpc.proof.probes import Expectation, Observation, Probe

LAN, UPLINK, DOCKER = IPv4Address("192.168.1.20"), IPv4Address("192.168.1.10"), IPv4Address("172.17.0.2")
BOTH = pytest.mark.parametrize("case", [OWNER, PORTS], ids=["owner", "ports"])


def clients(case: Case) -> Clients:
    own = {segment.name: segment.cidr[9] for segment in case.plan.segments}
    outside = {"internet": IPv4Address("203.0.113.10"), "lan": LAN, "host": UPLINK, "docker0": DOCKER}
    return Clients(own | outside, {segment.name: segment.router for segment in case.plan.segments}, UPLINK)


def expected(case: Case, answering: frozenset[int] = frozenset()) -> dict[Probe, Expectation]:
    wanted = matrix(case.intent)
    found = expectations(wanted, wanted.nodes, clients(case), answering)
    assert len({expectation.probe for expectation in found}) == len(found), "no probe twice"
    return {expectation.probe: expectation for expectation in found}


@BOTH
def test_every_ordered_pair_is_tried_with_every_protocol(case: Case) -> None:
    wanted, found = matrix(case.intent), expected(case)
    for source in wanted.nodes:
        for destination in wanted.nodes:
            tried = {(p.protocol, p.port) for p in found if (p.source, p.destination) == (source, destination)}
            if wanted.cell(source, destination).foreign:
                assert not tried, "what is not ours is compared with before, not with an intent"
            else:
                assert {(Protocol.ICMP, 0), (Protocol.TCP, PLAIN_PORT), (Protocol.UDP, PLAIN_PORT)} <= tried


@BOTH
def test_a_probe_is_open_exactly_where_the_matrix_says_so(case: Case) -> None:
    wanted = matrix(case.intent)
    for probe, expectation in expected(case).items():
        assert expectation.open == wanted.cell(probe.source, probe.destination).allows(probe.protocol, probe.port)
        assert expectation.open or expectation.client is None, "nobody is seen where nothing arrives"


def test_both_sides_of_every_edge_of_a_range_are_tried() -> None:
    found = expected(PORTS)
    opened = {
        p.port: e.open for p, e in found.items() if (p.source, p.destination, p.protocol) == ("web", "api", "tcp")
    }
    assert {port: opened[port] for port in (8079, 8080, 8081, 8082)} == {
        8079: False,
        8080: True,
        8081: True,
        8082: False,
    }


def test_a_port_that_one_cell_names_is_tried_in_all_others() -> None:
    found = expected(PORTS)
    for source, destination in (("db", "api"), ("admin", "db"), ("lan", "db"), ("web", "db"), ("api", "internet")):
        assert not found[Probe(source, destination, Protocol.TCP, 5432)].open


@pytest.mark.parametrize(
    ("source", "destination", "protocol", "port", "client"),
    [
        ("web", "api", Protocol.TCP, 8080, "10.0.21.9"),
        ("web", "internet", Protocol.TCP, 443, "192.168.1.10"),
        ("web", "lan", Protocol.UDP, 514, "192.168.1.10"),
        ("host", "db", Protocol.TCP, PLAIN_PORT, "10.0.23.1"),
        ("docker0", "db", Protocol.TCP, 3306, "10.0.23.1"),
        ("api", "docker0", Protocol.TCP, 6379, "10.0.22.9"),
        ("lan", "web", Protocol.TCP, 443, "192.168.1.20"),
        ("db", "db", Protocol.ICMP, 0, "10.0.23.9"),
    ],
)
def test_the_server_sees_the_client_that_it_should(
    source: str, destination: str, protocol: Protocol, port: int, client: str
) -> None:
    expectation = expected(PORTS)[Probe(source, destination, protocol, port)]
    assert (expectation.open, str(expectation.client)) == (True, client)


def test_a_real_service_of_the_host_does_not_tell_whom_it_saw() -> None:
    found = expected(PORTS, frozenset({53, 2200}))
    assert found[Probe("admin", "host", Protocol.TCP, 2200)] == Expectation(
        Probe("admin", "host", Protocol.TCP, 2200), open=True, client=None
    )
    assert not found[Probe("web", "host", Protocol.TCP, 2200)].open


def test_dhcp_is_shown_by_leases_and_not_by_probes() -> None:
    assert not [probe for probe in expected(OWNER) if probe.protocol is Protocol.UDP and probe.port == 67]


def test_only_nodes_that_can_be_stood_in_are_tried() -> None:
    wanted = matrix(OWNER.intent)
    found = expectations(wanted, ["public", "private"], clients(OWNER))
    assert {node for e in found for node in (e.probe.source, e.probe.destination)} == {"public", "private"}


def test_what_is_not_ours_must_stay_what_it_was() -> None:
    wanted = matrix(OWNER.intent)
    probes = foreign_probes(wanted, wanted.nodes)
    fixed = {Node.INTERNET, Node.LAN, Node.HOST, Node.DOCKER0}
    assert {(p.source, p.destination) for p in probes} == {(a, b) for a in fixed for b in fixed if a != b}
    seen = [Observation(probes[0], open=True, seen_as=LAN), Observation(probes[1], open=False)]
    assert as_before(seen) == (Expectation(probes[0], open=True, client=LAN), Expectation(probes[1], open=False))
