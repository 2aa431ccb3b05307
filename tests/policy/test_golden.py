"""What reaches the host, byte for byte."""

from pathlib import Path

import pytest

from tests import golden
from tests.policy.networks import CHANGED, MACHINES, OWNER, PORTS, Case

GOLDEN = Path(__file__).parent / "golden"
CASES = {"dell": OWNER, "ports": PORTS, "changed": CHANGED, "machines": MACHINES}
NAMES = [(case, text) for case in CASES for text in CASES[case].texts]


@pytest.mark.parametrize(("case", "text"), NAMES)
def test_what_reaches_the_host_is_exactly_this(case: str, text: str) -> None:
    golden.check(GOLDEN / f"{case}.{text}", CASES[case].texts[text])


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{case}.{text}" for case, text in NAMES}


def test_into_the_zone_is_opened_only_where_an_outsider_was_granted_entry() -> None:
    assert "twin-vpc-in.xml" not in OWNER.texts
    assert "twin-vpc-in.xml" in PORTS.texts


def test_a_network_without_flows_renders_empty_gates() -> None:
    case = Case({**OWNER.network, "flows": []}, OWNER.stack)
    gates = [block for block in case.ruleset.split("set ") if block.startswith(("leave_any", "enter"))]
    assert gates
    assert not any("elements" in block.partition("chain")[0] for block in gates)
