"""`make apply`: around `pulumi up`, and what it says where the engine itself would name `pulumi cancel`."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.app import app
from operations.apply import BROKEN_OFF

PULUMI = """#!/bin/sh
echo "$*" >>"$SAID"
case $1 in
  whoami) printf '{"url": "file://%s"}' "$HERE" ;;
  stack) cat "$HERE/state.json" ;;
  up) [ ! -e "$HERE/killed.json" ] || cp "$HERE/killed.json" "$HERE/state.json"; exit "$(cat "$HERE/code")" ;;
esac
"""
QUIET: Mapping[str, object] = {"deployment": {"pending_operations": []}}
BEGUN: Mapping[str, object] = {
    "deployment": {
        "pending_operations": [
            {"type": "creating", "resource": {"urn": "urn:pulumi:dell::twin-vpc::libvirt:x::vpc-public"}}
        ]
    }
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stack, and a `pulumi` that notes what it was asked and ends as the test says."""
    (tmp_path / "Pulumi.yaml").write_text("name: twin-vpc\nruntime: python\n")
    (tmp_path / "Pulumi.dell.yaml").write_text("config: {}\n")
    (tmp_path / "state.json").write_text(json.dumps(QUIET))
    (tmp_path / "code").write_text("0")
    program = tmp_path / "pulumi"
    program.write_text(PULUMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HERE", str(tmp_path))
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lock(here: Path, pid: int) -> None:
    folder = here / ".pulumi/locks/organization/twin-vpc/dell"
    folder.mkdir(parents=True)
    now = datetime.now(tz=UTC).isoformat()
    said = {"pid": pid, "username": "owner", "hostname": socket.gethostname(), "timestamp": now}
    (folder / "one.json").write_text(json.dumps(said))


def apply(verb: str = "up") -> tuple[int, str]:
    done = CliRunner().invoke(app, [verb, "--stack", "dell", "--yes"])
    return done.exit_code, done.stderr


def asked(here: Path) -> list[str]:
    return [line.split()[0] for line in (here / "said").read_text().splitlines()]


@pytest.mark.parametrize("verb", ["up", "destroy"])
def test_without_traces_pulumi_runs_with_its_own_options(here: Path, verb: str) -> None:
    assert apply(verb) == (0, "")
    assert (here / "said").read_text().splitlines()[-1] == f"{verb} --stack dell --yes"


def test_a_dead_runs_lock_names_the_recovery_and_pulumi_is_not_asked(here: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    lock(here, process.pid)
    code, said = apply()
    assert code == BROKEN_OFF
    assert f"the lock of owner@{socket.gethostname()}, pid {process.pid}" in said
    assert "`make recover STACK=dell` heals it" in said
    assert "up" not in asked(here)


def test_a_living_runs_lock_names_its_holder_and_no_recovery(here: Path) -> None:
    process = subprocess.Popen(["sleep", "20"])
    try:
        lock(here, process.pid)
        code, said = apply()
    finally:
        process.kill()
        process.wait()
    assert code == BROKEN_OFF
    assert f"pid {process.pid}" in said
    assert "recover" not in said


def test_what_a_killed_run_had_begun_is_named(here: Path) -> None:
    (here / "state.json").write_text(json.dumps(BEGUN))
    code, said = apply()
    assert code == BROKEN_OFF
    assert "creating vpc-public" in said
    assert "make recover STACK=dell" in said


def test_a_run_that_is_killed_meanwhile_ends_with_its_code_and_the_recovery(here: Path) -> None:
    (here / "killed.json").write_text(json.dumps(BEGUN))
    (here / "code").write_text("255")
    code, said = apply()
    assert code == 255
    assert "make recover STACK=dell" in said


def test_a_run_that_fails_for_another_reason_has_nothing_added(here: Path) -> None:
    (here / "code").write_text("7")
    assert apply() == (7, "")
