"""The generated parts of docs/campaign.md."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import campaign, outcomes
from benchmarks.campaign import COMMAND, PARTS, REPORT
from benchmarks.outcomes import Outcome
from benchmarks.report import markers
from sandbox.paths import ROOT

TESTS = """
import pytest

def test_holds(record_property):
    record_property("kill", "`up` killed alone after 1.00 s")

def test_does_not():
    assert 1 == 2, "nothing | held"

@pytest.fixture
def torn():
    yield
    raise ValueError("could not be cleared away")

def test_leaves_something(torn):
    pass
"""


@pytest.fixture
def tried(tmp_path: Path) -> tuple[Outcome, ...]:
    """What pytest itself says of three tests, one of which holds."""
    (tmp_path / "test_it.py").write_text(TESTS)
    file = tmp_path / "outcomes"
    environment = os.environ | {outcomes.FILE: str(file)}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.outcomes", str(tmp_path / "test_it.py")]
    subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=False)
    return outcomes.read(file.read_text().splitlines())


@pytest.mark.slow
def test_what_did_not_hold_or_was_not_cleared_away_is_told_with_its_reason(tried: tuple[Outcome, ...]) -> None:
    rows = campaign.kills(tried).rows
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert rows[0][1:] == ("`up` killed alone after 1.00 s", "–", "✓")
    assert rows[1][3].startswith("✗ ")
    assert "nothing / held" in rows[1][3]
    assert "could not be cleared away" in rows[2][3]


@pytest.mark.slow
def test_a_campaign_in_which_nothing_was_tried_is_refused_and_writes_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    before = REPORT.read_text(encoding="utf-8")
    monkeypatch.setattr(campaign, "PARTS", {"kills": campaign.Part(("no/such/test.py",), {}, campaign.kills)})
    assert campaign.main(["kills"]) == 1
    assert REPORT.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("part", PARTS)
def test_the_report_has_a_place_for_every_part(part: str) -> None:
    first, last = markers(part, COMMAND)
    text = REPORT.read_text(encoding="utf-8")
    assert (text.count(first), text.count(last)) == (1, 1)
    assert text.index(first) < text.index(last)


def test_outcomes_are_read_as_they_were_written() -> None:
    one = Outcome("test", passed=True, properties={"seed": "7"}, seconds=1.5)
    assert outcomes.read([json.dumps(one.__dict__)]) == (one,)
