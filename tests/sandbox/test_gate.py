"""What the gate says: every difference by name, and each equation as it is. Nothing is brought up here."""

import io

from rich.console import Console

from sandbox.gate import Gate

CELL = "container → database: intended –, account tcp/5432"


def said(gate: Gate) -> str:
    text = io.StringIO()
    gate.show(Console(file=text, width=70))
    return text.getvalue()


def test_all_equal_is_one_line() -> None:
    gate = Gate(packets=True, account=())
    assert gate.equal
    assert said(gate) == "✓ intent = graph = account (aws), intent = packets (dell)\n"


def test_a_differing_cell_is_named_and_the_other_stack_is_judged_by_itself() -> None:
    gate = Gate(packets=True, account=(CELL,))
    assert not gate.equal
    *lines, way_out = said(gate).splitlines()
    assert lines == [f"✗ aws: {CELL}", "✓ intent = packets (dell)", "✗ not so: intent = graph = account (aws)"]
    assert "take back what was changed in the account by hand" in way_out


def test_nothing_is_green_when_both_differ() -> None:
    text = said(Gate(packets=False, account=(CELL,)))
    assert "✓" not in text
    assert "✗ not so: intent = graph = account (aws), intent = packets (dell)\n" in text


def test_packets_alone_shut_it_as_well() -> None:
    gate = Gate(packets=False, account=())
    assert not gate.equal
    assert said(gate) == "✓ intent = graph = account (aws)\n✗ not so: intent = packets (dell)\n"


def test_a_flood_of_differences_is_cut_and_counted() -> None:
    text = said(Gate(packets=True, account=(CELL,) * 100))
    assert text.count(CELL) == 40
    assert "… and 60 more" in text
