"""The rendered rules under real packets in plain namespaces, before any libvirt: the owner's, and port-level ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.probe.controls import positive_controls
from sandbox.probe.lab import Lab
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.policy import nftables, routing
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.cells import Matrix
from twinvpc.proof.compare import Difference, differences
from twinvpc.proof.expect import Clients, as_before, expectations, foreign_probes
from twinvpc.proof.intent import matrix
from twinvpc.proof.probes import Expectation

pytestmark = pytest.mark.root

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"the owner's": ROOT, "port-level": ROOT / "tests" / "fixtures" / "ports"}
UPLINK = IPv4Address("192.168.1.10")


@dataclass(frozen=True)
class Case:
    lab: Lab
    plan: LibvirtPlan
    ruleset: str
    rules: tuple[str, ...]
    rules6: tuple[str, ...]
    matrix: Matrix
    expected: tuple[Expectation, ...]

    def load(self, ruleset: str | None = None) -> None:
        self.lab.load(ruleset or self.ruleset, self.rules, self.rules6)

    def elements(self, name: str) -> list[str]:
        """Elements of one rendered set."""
        _, _, rest = self.ruleset.partition(f"set {name} {{")
        body = rest.partition("\n    }")[0]
        return [line.strip().rstrip(",") for line in body.splitlines() if line.endswith(",")]

    def differences(self) -> tuple[Difference, ...]:
        return differences(self.expected, self.lab.measure([e.probe for e in self.expected]))

    def opened(self) -> list[Difference]:
        return [d for d in self.differences() if d.intended == "closed"]


@pytest.fixture(scope="module", params=list(FOLDERS))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    intent = load_stack(FOLDERS[request.param], "dell")
    stack = intent.stack
    assert isinstance(stack, LibvirtStack)
    plan = libvirt_plan(stack, record(intent, Lock()).of("dell"))
    policy, wanted = compile_policy(intent), matrix(intent)
    with Lab.create(plan.segments) as lab:
        own = {name: stand.address for name, stand in lab.stands.items()}
        clients = Clients(own, {s.name: s.router for s in plan.segments}, UPLINK)
        before = lab.measure(foreign_probes(wanted, lab.stands))
        yield Case(
            lab,
            plan,
            nftables.render(policy, nftables.Target(plan, stack)),
            routing.rules(policy, plan),
            routing.rules6(plan),
            wanted,
            (*expectations(wanted, lab.stands, clients), *as_before(before)),
        )


def test_every_cell_is_as_intended_and_every_denial_has_a_control(case: Case) -> None:
    case.load()
    seen = case.lab.measure([e.probe for e in case.expected])
    assert not differences(case.expected, seen)
    ours = [e.probe for e in case.expected if not case.matrix.cell(e.probe.source, e.probe.destination).foreign]
    denied = [p for p in ours if not case.matrix.cell(p.source, p.destination).allows(p.protocol, p.port)]
    assert denied
    assert not positive_controls(seen, denied)


@pytest.mark.parametrize("loss", ["delete table inet twin_vpc", "flush table inet twin_vpc"])
def test_without_the_table_nothing_denied_gets_through_even_one_way(case: Case, loss: str) -> None:
    case.load()
    case.lab.nft(loss)
    found = case.differences()
    assert not [d for d in found if d.intended == "closed"]
    assert found, "what was allowed is closed: the table really was gone"


def test_without_the_second_wall_the_table_alone_holds(case: Case) -> None:
    case.load()
    case.lab.flush_routing_rules()
    assert not case.differences()


def test_without_main_table_and_routing_rules_the_seals_alone_hold(case: Case) -> None:
    case.load()
    case.lab.nft("delete table inet twin_vpc")
    case.lab.flush_routing_rules()
    assert not case.opened()


def test_without_any_wall_denied_cells_open_so_the_walls_do_something(case: Case) -> None:
    case.load()
    case.lab.nft("delete table inet twin_vpc\ndelete table inet twin_vpc_host")
    case.lab.flush_routing_rules()
    assert case.opened()


def test_every_permission_removed_closes_its_own_cell_and_no_other(case: Case) -> None:
    """Each element of the gates' sets is needed: without it exactly the cells that name its segments close."""
    gates = ("leave_any", "leave_ports", "leave_icmp", "enter_any", "enter_ports", "enter_icmp")
    elements = [(name, element) for name in gates for element in case.elements(name)]
    assert elements
    allowed = [e for e in case.expected if e.open]  # denied ones wait for silence, and nothing is opened here
    for name, element in elements:
        case.load()
        case.lab.nft(f"delete element inet twin_vpc {name} {{ {element} }}")
        found = differences(allowed, case.lab.measure([e.probe for e in allowed]))
        assert found, f"{name} {element} was not needed"
        pairs = {(d.probe.source, d.probe.destination) for d in found}
        assert len(pairs) == 1, f"{name} {element} closed more than its own cell: {pairs}"
