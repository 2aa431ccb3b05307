"""Every mistake of the table is refused with its offender, its rule and its place, and with nothing besides."""

from pathlib import Path

import pytest

from tests import golden
from tests.model.mistakes import MISTAKES, Mistake
from tests.model.owner import edited, load_with
from twinvpc.model.problems import InvalidInputError

GOLDEN = Path(__file__).parent / "golden"
IN_FULL = frozenset(
    {
        "domain-missing",
        "domain-with-a-look-alike",
        "cidr-with-host-bits",
        "segment-key-misspelt",
        "flow-with-an-unknown-node",
        "flow-to-the-internet",
        "flow-to-itself",
        "key-given-twice",
        "key-a-switch",
        "kind-unknown",
        "port-22",
        "segment-overlaps",
        "static-in-dhcp",
        "uplink-a-segment",
        "zone-closed",
        "pins-overlap",
    }
)


def refusal(folder: Path, mistake: Mistake) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        load_with(folder, {mistake.file: edited(mistake.file, mistake.old, mistake.new)}, mistake.stack)
    return caught.value


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_with_place_offender_and_rule(tmp_path: Path, mistake: Mistake) -> None:
    error = refusal(tmp_path, mistake)
    told = [(problem.file, problem.path) for problem in error.problems]
    assert told == [(mistake.file, path) for path, _, _ in mistake.told], str(error)
    for problem, (_, what, rule) in zip(error.problems, mistake.told, strict=True):
        assert what in problem.what, problem
        assert rule in problem.rule, problem
        assert problem.way_out, "an error without a way out"
        assert problem.line or "." not in problem.path, "the line of what stands there is known"
    assert max(map(len, str(error).splitlines())) <= 200, "an error is read on a screen"


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m.name in IN_FULL], ids=lambda mistake: mistake.name)
def test_the_words_are_exactly_these(tmp_path: Path, mistake: Mistake) -> None:
    golden.check(GOLDEN / f"{mistake.name}.txt", f"{refusal(tmp_path, mistake)}\n")


def test_the_table_is_large_and_its_names_are_unique() -> None:
    names = {mistake.name for mistake in MISTAKES}
    assert len(names) == len(MISTAKES) >= 100
    assert names >= IN_FULL
