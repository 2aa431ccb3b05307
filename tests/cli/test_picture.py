"""The command that draws, run as its user runs it."""

from pathlib import Path

from tests.cli.test_plan import ROOT, edit, folder, tool

__all__ = ["folder"]


def test_every_stack_is_drawn_into_out_and_named(folder: Path) -> None:
    drawn = tool(folder, "picture")
    assert drawn.returncode == 0, drawn.stderr
    singles = [f"{stack}.{form}" for stack in ("aws", "dell", "staging") for form in ("svg", "mmd")]
    names = [*singles, "dell-and-aws.svg", "dell-and-staging.svg"]
    assert drawn.stdout.splitlines() == [f"picture: {folder / 'out' / name}" for name in names]
    assert (folder / "out" / "dell.svg").read_text().startswith("<svg ")


def test_one_stack_as_mermaid_into_a_folder_of_ones_own(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "else" / "where"
    drawn = tool(folder, "picture", "--stack", "dell", "--format", "mermaid", "--out", str(out))
    assert drawn.returncode == 0, drawn.stderr
    assert [path.name for path in out.iterdir()] == ["dell.mmd"]
    assert "flowchart" in (out / "dell.mmd").read_text()


def test_bad_input_and_a_folder_that_cannot_be_written_end_without_a_traceback(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    told = tool(folder, "picture", "--out", str(tmp_path / "taken"))
    assert told.returncode == 2
    assert "--out" in told.stderr
    edit(folder, "network.yaml", "from: public", "from: pubic")
    wrong = tool(folder, "picture")
    assert wrong.returncode == 2
    assert "pubic" in wrong.stderr
    assert "Traceback" not in told.stderr + wrong.stderr
    assert not (folder / "out").exists()


def test_what_is_drawn_is_not_committed() -> None:
    assert "/out/" in (ROOT / ".gitignore").read_text().splitlines()
