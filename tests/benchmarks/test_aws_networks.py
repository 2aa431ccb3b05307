"""The made-up VPCs that the benchmarks judge are sound, and grow as they say."""

import pytest

from benchmarks.aws_networks import owners, ring, size
from tests.policy.networks import ROOT
from twinvpc.model.files import load_stack
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.gate import differences
from twinvpc.proof.aws.rules import checked
from twinvpc.proof.aws.wall_gate import wall_differences
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.intent import matrix


def test_the_owners_network_made_by_hand_is_what_the_owner_means() -> None:
    intent = load_stack(ROOT, "aws")
    shape = owners(intent)
    wiring = Wiring(checked(shape.graph))
    assert not differences(matrix(intent), {"graph": evaluate(wiring, shape.places)})
    assert not wall_differences(matrix(intent), wiring, shape.places)


@pytest.mark.parametrize(("reach", "flows"), [(3, [15, 30]), (30, [20, 90])])
def test_cells_grow_with_the_segments_or_with_their_square(reach: int, flows: list[int]) -> None:
    shapes = [ring(count, 3, reach) for count in (5, 10)]
    for shape, count in zip(shapes, flows, strict=True):
        found = evaluate(Wiring(checked(shape.graph)), shape.places)
        between = [pair for pair in found.reach if pair[0] != pair[1] and pair[1] != "internet"]
        assert len(between) == count
        assert all(one.exact for one in found.reach.values())
    assert size(shapes[0].graph) < size(shapes[1].graph)
