"""Building the engine's parts from their Go modules, with a `go` of the tests' own."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.command import CommandError
from sandbox.engine import build as building
from sandbox.engine.parts import CLI, PLUGIN, EngineError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_VPC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fake_go(folder: Path, version: str, build: str = "exit 0") -> Path:
    folder.mkdir()
    go = folder / "go"
    go.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo "go version go{version} linux/amd64" && exit\n{build}\n')
    go.chmod(0o755)
    return go


def test_go_mod_says_how_new_go_must_be() -> None:
    assert building.minimum(CLI) >= (1, 25)


@pytest.mark.parametrize(("version", "own"), [("1.25.11", True), ("1.26", True), ("1.19.8", False), ("1.25.2", False)])
def test_the_machines_go_is_used_when_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, own: bool
) -> None:
    go = fake_go(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(building, "_from_pypi", lambda: Path("from PyPI"))
    assert building.toolchain((1, 25, 11)) == (go if own else Path("from PyPI"))


def test_without_go_and_without_pypi_the_reason_is_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    def refuse(*argv: object, **_rest: object) -> str:
        raise CommandError([str(word) for word in argv], 1, "no matching distribution")

    monkeypatch.setattr(building, "run", refuse)
    with pytest.raises(EngineError, match="not to be had from PyPI"):
        building.toolchain((1, 25))
    assert list(cache.glob("engine/*go-*")) == []


def test_a_build_that_fails_says_what_the_compiler_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path / "bin", "1.30", 'echo "verifying module: checksum mismatch" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(EngineError, match="checksum mismatch"):
        building.build(CLI, tmp_path)


def test_a_long_build_keeps_talking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_go(tmp_path / "bin", "1.30", "sleep 0.3")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(building, "BEAT", 0.1)
    building.build(CLI, tmp_path)
    assert capsys.readouterr().out.count("still building pulumi") >= 1


(MEND,) = PLUGIN.mends


def module(folder: Path, text: str) -> str:
    """What a `go` in go's place does: name a module's folder, and build what the compiler would read."""
    (folder / "module").mkdir()
    (folder / "module" / MEND.file).write_text(text)
    return f"""case "$1" in
        mod) printf '{{"Dir": "{folder}/module"}}' ;;
        build) file=${{2#-modfile=}}
            cat "$(sed -n 's|^replace {MEND.module} => ||p' "$file")/{MEND.file}" >{folder}/read ;;
    esac"""


def test_the_compiler_reads_what_was_mended_and_the_module_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n".join(["before", *MEND.changes, "after"])
    fake_go(tmp_path / "bin", "1.30", module(tmp_path, text))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    building.build(PLUGIN, tmp_path)
    assert (tmp_path / "read").read_text() == "\n".join(["before", *MEND.changes.values(), "after"])
    assert (tmp_path / "module" / MEND.file).read_text() == text


@pytest.mark.parametrize("text", ["", "\n".join([*MEND.changes] * 2)])
def test_a_fault_that_is_no_longer_there_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    fake_go(tmp_path / "bin", "1.30", module(tmp_path, text))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(EngineError, match=r"times, not once.*take it out of sandbox/engine/parts.py"):
        building.build(PLUGIN, tmp_path)


def test_a_mend_changes_the_parts_key() -> None:
    assert replace(PLUGIN, mends=()).key != PLUGIN.key
