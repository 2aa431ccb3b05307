"""What the program registers is what the owner means: every cell, every wall, and no mistake in it goes unnoticed."""

from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.aws.stack import build_aws
from tests.components.aws_site import EVERYTHING, OPEN, Raw, intent, recorded, stack
from tests.components.engine import RecordingEngine, run
from tests.policy.networks import ROOT
from twinvpc.addressing.lock import Lock, read_lock
from twinvpc.addressing.plan import aws_plan, require_recorded
from twinvpc.model.aws import AwsStack
from twinvpc.model.files import load_stack
from twinvpc.model.load import Intent
from twinvpc.proof.aws import from_resources
from twinvpc.proof.aws.campaign import campaign
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.gate import differences
from twinvpc.proof.aws.graph import AwsGraph
from twinvpc.proof.aws.places import Place, group_names, places, strangers
from twinvpc.proof.aws.resources import Reference, Resource
from twinvpc.proof.aws.wall_gate import wall_differences
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import ALL, Matrix
from twinvpc.proof.intent import matrix


class Referring(RecordingEngine):
    """An engine whose resources have references for ids and outputs."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        key, outputs = super().new_resource(args)
        new = {name: str(Reference(args.typ, args.name, name)) for name in outputs.keys() - args.inputs.keys()}
        return (str(Reference(args.typ, args.name, "id")) if args.custom else key), {**args.inputs, **new}


@dataclass(frozen=True)
class Case:
    graph: AwsGraph
    places: tuple[Place, ...]
    meant: Matrix
    strangers: tuple[str, ...]


def case(wanted: Intent, lock: Lock) -> Case:
    known = require_recorded(wanted, lock)

    def program() -> None:
        assert isinstance(wanted.stack, AwsStack)
        for name, value in build_aws(wanted, wanted.stack, known).items():
            pulumi.export(name, value)

    made = run(program, stack="aws", engine=Referring())
    graph = from_resources.graph(Resource(one.type, one.name, one.inputs) for one in made.resources if one.custom)
    plan = aws_plan(known)
    blocks = {name: [one.cidr for one in plan.of(name)] for name in wanted.network.segments}
    found = places(graph, blocks, group_names(blocks))
    return Case(graph, found, matrix(wanted), strangers(graph, found, [one.cidr for one in plan.infrastructure]))


def made_up(own: Raw, net: Raw | None = None) -> Case:
    wanted = intent(own, net)
    return case(wanted, recorded(wanted))


CASES = {
    "every way out": lambda: made_up(EVERYTHING, OPEN),
    "one NAT gateway": lambda: made_up({**EVERYTHING, "nat": "one"}, OPEN),
    "one zone": lambda: made_up(stack(zones=["ap-northeast-1a"])),
    "aws": lambda: case(load_stack(ROOT, "aws"), read_lock(ROOT)),
    "staging": lambda: case(load_stack(ROOT, "staging"), read_lock(ROOT)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_program_registers_what_the_owner_means(name: str) -> None:
    one = CASES[name]()
    wiring = Wiring(one.graph)
    found = evaluate(wiring, one.places)
    assert [str(difference) for difference in differences(one.meant, {"graph": found})] == []
    assert [str(difference) for difference in wall_differences(one.meant, wiring, one.places)] == []
    assert one.strangers == ()
    assert found.matrix().permitted, "a matrix without a single open cell would prove little"


@pytest.mark.parametrize("name", ["aws", "every way out"])
def test_no_mistake_in_what_the_program_registers_goes_unnoticed(name: str) -> None:
    one = CASES[name]()
    verdicts = list(campaign(one.graph, one.places, one.meant))
    assert len(verdicts) > 250
    assert [str(verdict.mutant) for verdict in verdicts if verdict.unexplained] == []
    assert sum(verdict.gate for verdict in verdicts) > 0.8 * len(verdicts)


def test_another_intent_is_not_what_the_program_registers() -> None:
    one = CASES["aws"]()
    meant = replace(one.meant, permitted={**one.meant.permitted, ("container", "database"): ALL})
    wiring = Wiring(one.graph)
    found = [str(difference) for difference in differences(meant, {"graph": evaluate(wiring, one.places)})]
    assert found == ["container → database: intended all, graph –"]
    assert wall_differences(meant, wiring, one.places)
