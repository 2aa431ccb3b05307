"""Some broken lines of each layer, in `make test`; all of them in `make campaign`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.mutation.campaign import Bench, bench, changed, run
from sandbox.mutation.layers import TOGETHER
from sandbox.mutation.mutants import Mutant, mutants
from sandbox.probe.lab import Lab
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack

pytestmark = pytest.mark.root

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = (
    'twin_vpc leave_any: without "br-public" . "br-database"',
    "twin_vpc leave: wider iifname . oifname @leave_any goto left",
    "twin_vpc enter_inner: wider ip saddr . oifname @enter_any goto entered",
    "twin_vpc guard: without iifname @segments meta nfproto ipv4 counter drop",
    "twin_vpc sign: without meta mark & 0x8000000 != 0 meta mark set meta mark | 0x1000000 accept",
    "twin_vpc source_nat: without oifname $uplinks ip saddr @networks masquerade",
    "twin_vpc_host seal: without iifname @segments meta mark & 0x2000000 == 0 counter drop",
)


@pytest.fixture(scope="module")
def ready() -> Iterator[Bench]:
    intent = load_stack(ROOT, "dell")
    assert isinstance(intent.stack, LibvirtStack)
    with Lab.create(libvirt_plan(intent.stack, record(intent, Lock()).of("dell")).segments) as lab:
        yield bench(ROOT, lab)


def named(ready: Bench, name: str) -> Mutant:
    return next(one for one in mutants(ready.ruleset) if str(one) == name)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_broken_line_is_noticed_in_its_layer(ready: Bench, name: str) -> None:
    (result,) = run(ready, [named(ready, name)])
    assert result.changed


def test_an_unbroken_ruleset_is_not_said_to_be_broken(ready: Bench) -> None:
    """The control: what is noticed is the mutation, not chance."""
    sound = Mutant(named(ready, CHOSEN[1]).line, "not at all", ready.ruleset)
    (result,) = run(ready, [sound])
    assert result.changed == ""


def test_two_gates_broken_together_do_open_a_cell(ready: Bench) -> None:
    """The other control: with all layers in force a hole would be seen, if it went through all of them."""
    both = ready.ruleset
    for chain, to in (("leave", "left"), ("enter", "entered")):
        both = both.replace(f"    chain {chain} {{\n", f"    chain {chain} {{\n        goto {to}\n")
    before = ready.outcome(ready.ruleset, TOGETHER, beyond=False)
    after = ready.outcome(both, TOGETHER, beyond=False)
    assert any(one.startswith("container → private tcp/41999: closed → open") for one in changed(before, after))
