"""Demands on figures: who misses one is told, in the tables and by the exit code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks.demands import Demand, at_least, at_most, renewed, within
from benchmarks.report import SUMMARY, Table, markers

ORDER = ("scale", "traffic", "up")
MET, MISSED = Demand("speed", "≤ 2×", "1×", met=True), Demand("speed", "≤ 2×", "3×", met=False)


@pytest.mark.parametrize(
    ("demand", "cell", "figure"),
    [
        (at_most("x", 2.0, 2.0), "≤ 2.00× ✓", "2.00×"),
        (at_most("x", 2.01, 2.0), "≤ 2.00× ✗", "2.01×"),
        (at_least("x", 0.95, 0.95, "{:.3f}×"), "≥ 0.950× ✓", "0.950×"),
        (at_least("x", 0.949, 0.95, "{:.3f}×"), "≥ 0.950× ✗", "0.949×"),
        (within("x", 103, 100, 3), "± 3 % ✓", "+3.0 %"),
        (within("x", 96.9, 100, 3), "± 3 % ✗", "-3.1 %"),
        (within("x", 103.1, 100, 3), "± 3 % ✗", "+3.1 %"),
    ],
)
def test_a_bound_is_kept_up_to_the_bound_itself(demand: Demand, cell: str, figure: str) -> None:
    assert (demand.cell, demand.figure) == (cell, figure)


def test_a_figure_that_misses_by_less_than_it_is_written_with_is_missed_all_the_same() -> None:
    assert not at_most("x", 2.001, 2.0).met


def test_a_part_writes_its_own_lines_and_no_others() -> None:
    by_hand = renewed("", "commands", ORDER, [Demand("`make up`", "–", "630 s", met=True)])
    both = renewed(renewed(by_hand, "up", ORDER, [MISSED]), "scale", ORDER, [MET, MET])
    parts = [line.split(" | ")[0].strip("| ") for line in both.splitlines()[2:]]
    assert parts == ["scale", "scale", "up", "commands"], "in the order of the report, what is written by hand behind"
    again = renewed(both, "up", ORDER, [MET])
    assert again == both.replace("| up | speed | ≤ 2× | 3× | ✗ |", "| up | speed | ≤ 2× | 1× | ✓ |")
    assert "630 s" in again


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "report.md"
    marks = [mark for part in (*program.PARTS, SUMMARY) for mark in markers(part)]
    path.write_text("\n".join(marks), encoding="utf-8")
    monkeypatch.setattr(program, "REPORT", path)
    monkeypatch.setattr(program, "ROOT", tmp_path)
    return path


@pytest.mark.parametrize(("demand", "code"), [(MET, 0), (MISSED, 3)])
def test_a_missed_demand_is_a_cross_a_sentence_and_an_exit_code(
    report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], demand: Demand, code: int
) -> None:
    def measured(_: int) -> Iterator[Table]:
        yield Table("Times", ("what", "time"), (("one", "1 s"),), demands=(demand,))

    monkeypatch.setattr(program, "_ALONE", {"scale": measured})
    assert program.main(["scale"]) == code
    assert ("missed: speed: 3×, demanded ≤ 2×" in capsys.readouterr().err) is (code != 0)
    assert f"| scale | speed | {demand.bound} | {demand.figure} | {demand.sign} |" in report.read_text(encoding="utf-8")
