"""Two runs at once: the engine's lock, the host's lock, and who holds them."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers.host.files import shell
from sandbox.command import CommandError
from sandbox.dell import in_dell
from sandbox.dell.container import nsenter
from sandbox.project import STACK, Project

pytestmark = pytest.mark.sandbox

ALL = ("--yes", "--skip-preview", "--stack", STACK)
LOCK = "/run/twin-vpc/lock"


def wait_until(claim: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def locks(project: Project) -> list[Path]:
    folder = project.folder.parent / "state" / ".pulumi" / "locks"
    return sorted(folder.rglob("*.json"))


@pytest.fixture
def stopped(deployed: Project) -> Iterator[subprocess.Popen[str]]:
    """An `up` that holds the stack's lock and does not come to its end: it was stopped as by Ctrl-Z."""
    process = deployed.start("up", *ALL)
    wait_until(lambda: bool(locks(deployed)))
    os.kill(process.pid, signal.SIGSTOP)
    yield process
    os.kill(process.pid, signal.SIGCONT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said


def test_a_second_run_says_who_holds_the_lock(deployed: Project, stopped: subprocess.Popen[str]) -> None:
    with pytest.raises(CommandError) as refused:
        deployed.pulumi("up", *ALL)
    for word in (f"@{socket.gethostname()}", f"pid {stopped.pid}", "currently locked by 1 lock"):
        assert word in refused.value.output
    assert "Traceback" not in refused.value.output


def test_the_recovery_leaves_a_living_runs_lock_and_names_its_holder(
    deployed: Project, stopped: subprocess.Popen[str]
) -> None:
    done = deployed.operate("recover", "--stack", STACK)
    assert done.returncode == 1
    assert f"@{socket.gethostname()}, pid {stopped.pid}, since" in done.stderr
    assert "still running" in done.stderr
    assert len(locks(deployed)) == 1, "the lock is where it was"


@pytest.fixture
def lock_from_elsewhere(deployed: Project, stopped: subprocess.Popen[str]) -> Iterator[Path]:
    """The lock of a run on another machine, whose process nobody finds here."""
    (lock,) = locks(deployed)
    said = json.loads(lock.read_text())
    other = lock.with_name("00000000-0000-0000-0000-000000000001.json")
    other.write_text(json.dumps(said | {"hostname": "elsewhere", "pid": stopped.pid + 1}))
    yield other
    other.unlink(missing_ok=True)


def test_the_recovery_leaves_a_lock_of_another_host(deployed: Project, lock_from_elsewhere: Path) -> None:
    done = deployed.operate("recover", "--stack", STACK)
    assert done.returncode == 1
    assert "can only be told on elsewhere" in done.stderr
    assert lock_from_elsewhere.exists()


@pytest.fixture
def holder(deployed: Project) -> Iterator[subprocess.Popen[str]]:
    """Another run, of another state on another laptop, that has the host's lock; it ends with its standard input."""
    world = deployed.world
    holding = f"exec 7>>{LOCK}; flock 7; echo 'eve@den, pid 7' >{LOCK}; read -r _"
    process = subprocess.Popen([*nsenter(world.dell_pid), "sh", "-c", holding], stdin=subprocess.PIPE, text=True)
    wait_until(lambda: "eve" in in_dell(world, "cat", LOCK))
    yield process
    process.communicate("", timeout=30)


def test_whoever_waits_for_the_host_in_vain_is_told_who_has_it(
    deployed: Project, holder: subprocess.Popen[str]
) -> None:
    assert holder.poll() is None
    with pytest.raises(CommandError, match="locked: eve@den, pid 7"):
        in_dell(deployed.world, "sh", "-c", f"PATIENCE=1; {shell('alone')}\nalone me && echo mine")


def test_a_run_waits_until_another_states_run_has_left_the_host(
    deployed: Project, holder: subprocess.Popen[str]
) -> None:
    """The policy was lost in part, so this run has to bring it back."""
    world = deployed.world
    in_dell(world, "nft", "delete", "table", "inet", "twin_vpc_host")
    process = deployed.start("up", *ALL)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "NetworkPolicy policy updating" in line:
            break
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    assert "twin_vpc_host" not in in_dell(world, "nft", "list", "tables"), "nothing is changed as long as it waits"
    holder.communicate("", timeout=30)
    said += process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "twin_vpc_host" in in_dell(world, "nft", "list", "tables")


def test_files_that_another_run_has_staged_meanwhile_are_not_installed(deployed: Project) -> None:
    world, stage = deployed.world, "/run/twin-vpc-stage"
    on_host = in_dell(world, "sh", "-c", "sha256sum /etc/twin-vpc/*; nft -s list ruleset")
    in_dell(world, "sh", "-c", f"mkdir {stage} && echo 'eve@den, pid 7' >{stage}/run")
    with pytest.raises(CommandError, match="locked: eve@den, pid 7"):
        in_dell(world, "sh", "-c", shell("install"), "twin-vpc", "mark", "", "me", shell("alone"))
    in_dell(world, "rm", "-r", stage)
    assert in_dell(world, "sh", "-c", "sha256sum /etc/twin-vpc/*; nft -s list ruleset") == on_host
