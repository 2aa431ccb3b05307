"""The main job that cannot go on ends in words, whatever stopped it. Nothing is brought up here."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STOPPED = """
import runpy, subprocess, sys
from sandbox import engine

def stopped():
    raise {reason}

engine.ensure = stopped
sys.argv = ["sandbox", "up"]
runpy.run_module("sandbox", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("KeyboardInterrupt", 130, "interrupted; the next `make up` or `make down` clears away"),
        ("subprocess.TimeoutExpired('pulumi', 600)", 2, "timed out after 600 seconds"),
        ("OSError(28, 'No space left on device')", 2, "No space left on device"),
    ],
)
def test_what_stops_the_main_job_is_told_without_a_traceback(reason: str, code: int, words: str) -> None:
    program = [sys.executable, "-c", STOPPED.format(reason=reason)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_reason_that_nobody_foresaw_does_show_where_it_came_from() -> None:
    """The control: nothing swallows a defect."""
    program = [sys.executable, "-c", STOPPED.format(reason="ZeroDivisionError")]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "ZeroDivisionError" in done.stderr
