"""Where the sandbox's processes go in version 1 and version 2 of control groups, on folders that stand for them."""

import os
from pathlib import Path

import pytest

from sandbox.dell import cgroup
from sandbox.dell.cgroup import Hierarchy


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    old, new = tmp_path / "cpuset", tmp_path / "unified"
    (old / "session").mkdir(parents=True)
    (old / "session/cpuset.cpus").write_text("0-1\n")
    (old / "session/twin-x").mkdir()
    (old / "session/twin-x/cpuset.cpus").write_text("\n")
    new.mkdir()
    found = [Hierarchy(old, old / "session", unified=False), Hierarchy(new, new / "user.slice", unified=True)]
    monkeypatch.setattr(cgroup, "hierarchies", lambda: found)
    return old, new


def test_version_one_stays_below_the_callers_own_group(two: tuple[Path, Path]) -> None:
    cgroup.join("twin-x", "supervisor")
    assert (two[0] / "session/twin-x/cgroup.procs").read_text() == str(os.getpid())
    assert (two[0] / "session/twin-x/cpuset.cpus").read_text() == "0-1\n", "an empty set takes no process"


def test_version_two_leaves_the_sandboxs_own_group_without_processes(two: tuple[Path, Path]) -> None:
    cgroup.join("twin-x", "supervisor")
    assert (two[1] / "twin-x/supervisor/cgroup.procs").read_text() == str(os.getpid())
    assert not (two[1] / "twin-x/cgroup.procs").exists()


def test_every_process_below_is_found_wherever_the_group_is(two: tuple[Path, Path]) -> None:
    deep = two[0] / "session/twin-x/docker/abc"
    deep.mkdir(parents=True)
    (deep / "cgroup.procs").write_text("4001\n4002\n0\n")
    (two[0] / "session/cgroup.procs").write_text("4003\n")
    assert cgroup.groups("twin-x") == [two[0] / "session/twin-x"]
    assert cgroup.pids("twin-x") == {4001, 4002}, "the neighbour 4003 is nobody's business"


@pytest.mark.root
def test_this_machines_hierarchies_are_found() -> None:
    for each in cgroup.hierarchies():
        assert str(os.getpid()) in (each.own / "cgroup.procs").read_text().split()
    assert cgroup.hierarchies()
