"""The owner's tool on files broken at random: an exit code for programs, and words instead of a traceback."""

import shutil
from pathlib import Path

import pytest

from tests.effort import SHARE
from tests.program.test_bad_input import FILES, broken
from tests.program.test_bad_input import RUNS as ALL
from twinvpc.cli.app import BAD_INPUT, main

ROOT = Path(__file__).resolve().parents[2]
RUNS = round(ALL * SHARE)
PARTS = 4
"""Seeds are shared out, so that several processors can take them."""


def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """`plan` in this very process; whatever else it raises than an exit fails the test."""
    monkeypatch.setattr("sys.argv", ["twin-vpc", "plan", "--stack", "dell", "--root", str(folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("part", range(PARTS))
def test_broken_files_end_with_an_exit_code_and_words(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = 0
    for seed in range(part, RUNS, PARTS):
        for name in FILES:
            shutil.copy(ROOT / name, tmp_path / name)
        what = broken(tmp_path, seed)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        code, told = run(tmp_path, monkeypatch), capsys.readouterr()
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before, what
        assert "Traceback" not in told.err + told.out, what
        if code == 0:
            assert "stack dell" in told.out, what
            continue
        refused += 1
        assert code == BAD_INPUT, what
        assert told.out == "", what
        assert "do:" in told.err, what
    assert refused >= RUNS // PARTS * 3 // 4, "most of what is broken is refused"


def test_sound_files_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: it is what was broken that is refused."""
    assert run(ROOT, monkeypatch) == 0
