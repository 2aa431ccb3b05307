"""`python -m graph`: what it writes, what it says, how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from graph.record import record
from graph.terraform import export
from tests.components.engine import ROOT
from tests.golden import check

GOLDEN = Path(__file__).with_name("golden")


def graph(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command without anything of the machine's: no `pulumi`, no home with keys."""
    return subprocess.run(
        [sys.executable, "-m", "graph", *words],
        cwd=cwd,
        env={"PATH": "/nowhere", "HOME": "/home/owner", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_export_is_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "deep" / "out"
    done = graph("export", "--stack", "dell", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"export: {out}/main.tf.json\nexport: {out}/README.md\n"
    monkeypatch.setenv("HOME", "/home/owner")
    assert (out / "main.tf.json").read_text() == export(record(ROOT, "dell")).text, "whatever process writes it"
    check(GOLDEN / "dell.README.md", (out / "README.md").read_text())


def test_a_stack_that_is_not_there_ends_with_2_and_its_problem(tmp_path: Path) -> None:
    done = graph("export", "--stack", "moon", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no stack `moon`" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists(), "nothing is written before all is known"


def test_a_folder_that_is_a_file_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = graph("export", "--stack", "dell", "--out", tmp_path / "file")
    assert done.returncode == 2
    assert done.stderr.startswith("nothing could be exported: ")
    assert done.stderr.endswith("; name another folder with --out\n")
    assert "Traceback" not in done.stderr
