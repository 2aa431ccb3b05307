"""Whatever network an owner writes: its order does not matter, and three independent readings permit the same."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from tests.policy.gates import Gates
from tests.policy.networks import CHANGED, OWNER, PORTS, Case, cases, shuffled
from twinvpc.model.nodes import Node
from twinvpc.model.services import HIGHEST_PORT, Protocol
from twinvpc.policy.terms import nodes_of
from twinvpc.proof.cells import Matrix, cell_of
from twinvpc.proof.intent import matrix

NAMED = {"owner": OWNER, "ports": PORTS, "changed": CHANGED}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_a_real_file_never_reaches_the_host(name: str, seed: int) -> None:
    case, random = NAMED[name], Random(seed)
    turned = Case(shuffled(case.network, random), shuffled(case.stack, random), case.before)
    assert turned.network != case.network or list(turned.network) != list(case.network)
    assert turned.texts == case.texts


@tries(40)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_any_file_never_reaches_the_host(case: Case, random: Random) -> None:
    turned = Case(shuffled(case.network, random), shuffled(case.stack, random))
    assert turned.texts == case.texts


@tries(80)
@given(cases())
def test_the_renderers_policy_and_the_proofs_intent_permit_the_same(case: Case) -> None:
    """Two readings of one file by code that shares nothing but the model."""
    wanted, policy = matrix(case.intent), case.policy
    terms = {(term.source, term.destination): cell_of(term.services) for term in policy.terms}
    for source in wanted.nodes:
        for destination in wanted.nodes:
            given_freely = source in (destination, Node.HOST) or destination == Node.HOST
            if not given_freely:
                cell = wanted.cell(source, destination)
                assert terms.get((source, destination), cell_of(())) == cell or cell.foreign
    assert {end for pair in terms for end in pair} <= set(wanted.nodes)
    assert all(term.services for term in policy.terms), "a term that permits nothing is none"


@tries(60)
@given(cases(), st.data())
def test_the_rendered_gates_permit_what_the_proof_intends(case: Case, data: st.DataObject) -> None:
    wanted, gates = matrix(case.intent), Gates(case.ruleset, case.target)
    ports = data.draw(st.lists(st.sampled_from(edges(wanted)), min_size=1, max_size=4, unique=True))
    attempts = [(Protocol.ICMP, 0), *((protocol, port) for protocol in (Protocol.TCP, Protocol.UDP) for port in ports)]
    ends = sorted({*case.network["segments"], *nodes_of(case.intent)} - {Node.HOST.value})
    for source, destination in permutations(ends, 2):
        cell = wanted.cell(source, destination)
        for protocol, port in () if cell.foreign else attempts:
            if destination == Node.TAILNET or source == Node.INTERNET:
                assert not cell.allows(protocol, port), "nobody can say that"
            else:
                assert gates.permits(source, destination, protocol, port) == cell.allows(protocol, port)


def edges(wanted: Matrix) -> list[int]:
    """Ports on both sides of where some range begins or ends."""
    spans = [span for cell in wanted.permitted.values() for span in (*cell.tcp, *cell.udp)]
    found = {1, 22, HIGHEST_PORT} | {port for first, last in spans for port in (first - 1, first, last, last + 1)}
    return sorted(port for port in found if 0 < port <= HIGHEST_PORT)


def test_a_reading_that_widens_is_found() -> None:
    """The negative control of the reading above: one element more, and it differs."""
    element = '"br-web" . "br-api" . tcp . 8080-8081,'
    assert PORTS.ruleset.count(element) == 1
    wider = PORTS.ruleset.replace(element, element.replace("8081", "8082"))
    tried = ("web", "api", Protocol.TCP, 8082)
    assert not matrix(PORTS.intent).cell("web", "api").allows(Protocol.TCP, 8082)
    assert not Gates(wider, PORTS.target).permits(*tried), "the second gate still holds"
    both = wider.replace('10.0.21.0/24 . "br-api" . tcp . 8080-8081', '10.0.21.0/24 . "br-api" . tcp . 8080-8082')
    assert Gates(both, PORTS.target).permits(*tried)
