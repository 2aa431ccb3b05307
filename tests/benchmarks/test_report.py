"""The generated parts of docs/performance.md."""

from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS, REPORT
from benchmarks.demands import MET, MISSED
from benchmarks.errors import BenchmarkError
from benchmarks.report import SUMMARY, Table, markers, replaced

TABLE = Table("Times", ("what", "time"), (("one", "1 s"), ("two", "2 s")), "A note.")
FIRST, LAST = markers("up")


def test_only_the_generated_part_changes_and_again_gives_the_same() -> None:
    text = f"before\n\n{FIRST}\nold figures\n{LAST}\n\nafter\n"
    once = replaced(text, "up", [TABLE], "yesterday")
    assert once.startswith("before\n\n")
    assert once.endswith(f"{LAST}\n\nafter\n")
    assert "old figures" not in once
    assert "| one | 1 s |" in once
    assert replaced(once, "up", [TABLE], "yesterday") == once


@pytest.mark.parametrize("text", ["", FIRST, f"{LAST}\n{FIRST}", f"{FIRST}{LAST}{FIRST}{LAST}"])
def test_a_report_without_a_place_for_the_part_is_refused(text: str) -> None:
    with pytest.raises(BenchmarkError, match="once each, in this order"):
        replaced(text, "up", [TABLE], "yesterday")


@pytest.mark.parametrize("part", PARTS)
def test_the_committed_report_holds_results_of_every_part(part: str) -> None:
    first, last = markers(part)
    body = REPORT.read_text(encoding="utf-8").partition(first)[2].partition(last)[0]
    rows = [line for line in body.splitlines() if line.startswith("|")]
    assert rows, f"run `python -m benchmarks {part}`"
    assert "rounds" in body
    tables = [block for block in body.split("\n\n") if block.startswith("|")]
    for table in tables:
        widths = {line.count("|") for line in table.splitlines()}
        assert len(widths) == 1, f"every row has as many cells as its head: {table}"


def test_the_committed_report_ends_with_a_demand_of_every_part() -> None:
    first, last = markers(SUMMARY)
    text = REPORT.read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.partition(first)[2].splitlines() if line.startswith("|")]
    assert text.rstrip().endswith(last)
    assert {row[0].strip() for row in rows[2:]} >= set(PARTS)
    assert {row[-1].strip() for row in rows[2:]} <= {MET, MISSED}


def test_the_report_names_no_path_of_a_machine() -> None:
    assert str(Path.home()) + "/" not in REPORT.read_text(encoding="utf-8")
