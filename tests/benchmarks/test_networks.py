"""The made-up networks that the benchmarks measure are ones that an owner could have written."""

from pathlib import Path

import pytest

from benchmarks.networks import STACK, Shape, write
from twinvpc.model.files import load_stack

CONSTANT, MESHED = Shape("constant", 3), Shape("all to all", None)


@pytest.mark.parametrize("shape", [CONSTANT, MESHED])
@pytest.mark.parametrize("size", [5, 60])
def test_they_load_without_a_problem(tmp_path: Path, shape: Shape, size: int) -> None:
    write(tmp_path, shape, size)
    assert len(load_stack(tmp_path, STACK).network.segments) == size


def pairs(folder: Path, shape: Shape, size: int) -> set[tuple[str, str]]:
    write(folder, shape, size)
    flows = load_stack(folder, STACK).network.flows
    return {(source, to) for flow in flows for source in flow.source for to in flow.destination}


def test_permissions_grow_with_the_segments_or_with_their_square(tmp_path: Path) -> None:
    sizes = (5, 10, 20)
    assert [len(pairs(tmp_path, CONSTANT, size)) for size in sizes] == [3 * size for size in sizes]
    assert [len(pairs(tmp_path, MESHED, size)) for size in sizes] == [size * (size - 1) for size in sizes]
