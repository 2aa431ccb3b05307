"""Some broken lines of each layer, in `make test`; all of them in `make campaign`."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.mutation import stages
from sandbox.mutation.judge import Judge
from sandbox.mutation.layers import TOGETHER
from sandbox.mutation.mutants import Mutant, mutants
from sandbox.mutation.networks import SUBJECTS
from sandbox.mutation.words import opens
from sandbox.mutation.world import World, world
from sandbox.probe.pace import CAREFUL

pytestmark = pytest.mark.root

CHOSEN = (
    'twin_vpc leave_any: "br-public" . "br-database": removed',
    "twin_vpc leave: iifname . oifname @leave_any goto left: not asking `iifname . oifname @leave_any`",
    "twin_vpc enter_inner: ip saddr . oifname @enter_any goto entered: not asking `ip saddr . oifname @enter_any`",
    "twin_vpc guard: iifname @segments meta nfproto ipv4 counter drop: removed",
    "twin_vpc sign: meta mark & 0x8000000 != 0 meta mark set meta mark | 0x1000000 accept: removed",
    "twin_vpc source_nat: oifname $uplinks ip saddr @networks masquerade: removed",
    "twin_vpc_host seal: iifname @segments meta mark & 0x2000000 == 0 counter drop: removed",
    "twin_vpc_held guard: type filter hook prerouting priority raw + 1; policy accept;: unhooked",
)


@pytest.fixture(scope="module")
def place() -> Iterator[World]:
    with world(SUBJECTS["owner"].folder) as made:
        yield made


@pytest.fixture(scope="module")
def judge(place: World) -> Judge:
    found = Judge(place)
    found.check()
    return found


def named(place: World, name: str) -> Mutant:
    return next(one for one in mutants(place.network.walls) if str(one) == name)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_broken_line_is_noticed_in_its_layer(place: World, judge: Judge, name: str) -> None:
    assert judge.of(named(place, name)).alone


def test_unbroken_walls_are_not_said_to_be_broken(place: World, judge: Judge) -> None:
    """The control: what is noticed is the mutation, not chance."""
    sound = replace(named(place, CHOSEN[1]), change="not at all", walls=place.network.walls)
    assert not judge.of(sound).noticed


def test_two_gates_broken_together_do_open_a_cell(place: World) -> None:
    """The other control: with all layers in force a hole would be seen, if it went through all of them."""
    sound = place.network.walls
    both = sound.ruleset
    for chain, to in (("leave", "left"), ("enter", "entered")):
        both = both.replace(f"    chain {chain} {{\n", f"    chain {chain} {{\n        goto {to}\n")
    before, after = (stages.cells(place, TOGETHER.alone(one), CAREFUL) for one in (sound, replace(sound, ruleset=both)))
    assert opens(before["container → private tcp/41999"], after["container → private tcp/41999"])
