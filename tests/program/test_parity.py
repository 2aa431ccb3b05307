"""One network on every substrate: the same segments, and the same permissions but for what is declared."""

from itertools import permutations

import pytest

from tests.components.engine import NETWORK, ROOT, SUBNET, pulumi_config
from tests.program.main import run_main
from twinvpc.model.files import load_stack
from twinvpc.policy.terms import Policy, compile_policy
from twinvpc.proof.intent import matrix

STACKS_ON_AWS = ("aws", "staging")


def policy(stack: str) -> Policy:
    return compile_policy(load_stack(ROOT, stack))


@pytest.mark.parametrize("stack", STACKS_ON_AWS)
def test_every_substrate_realises_the_same_segments(stack: str) -> None:
    here = {name.removeprefix("vpc-") for name in run_main("dell", pulumi_config()).of(NETWORK)}
    there = {name.split("-")[1] for name in run_main(stack, pulumi_config(stack)).of(SUBNET)}
    assert here == there == set(load_stack(ROOT, stack).network.segments)


@pytest.mark.parametrize("stack", STACKS_ON_AWS)
def test_every_substrate_realises_the_same_terms_between_segments(stack: str) -> None:
    dell, other = policy("dell"), policy(stack)
    assert dell.segments == other.segments
    names = dell.segments
    assert dell.between(names, names) == other.between(names, names)
    assert dell.between(names, names), "or this shows nothing"


@pytest.mark.parametrize("stack", STACKS_ON_AWS)
def test_what_differs_from_the_dell_is_declared_cell_by_cell(stack: str) -> None:
    dell, other = matrix(load_stack(ROOT, "dell")), matrix(load_stack(ROOT, stack))
    both = [node for node in other.nodes if node in dell.nodes]
    differing = {pair for pair in permutations(both, 2) if dell.cell(*pair) != other.cell(*pair)}
    assert differing == other.declared.keys()
    assert differing == {(name, "internet") for name in ("management", "private", "database", "container")}


def test_terms_and_matrix_of_an_aws_stack_say_the_same() -> None:
    wanted = matrix(load_stack(ROOT, "aws"))
    terms = {(term.source, term.destination) for term in policy("aws").terms}
    assert terms == {pair for pair in wanted.permitted if pair[0] != pair[1]}
