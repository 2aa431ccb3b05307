"""The engine killed with `kill -9` in the middle: nothing denied opens, and the recovery heals without hand work."""

import json
import random
import time
from collections.abc import Iterator

import pytest

from sandbox.dell import World, in_dell
from sandbox.kills import Kill, kill
from sandbox.measure import denied_but_open, rig
from sandbox.project import STACK, Project

pytestmark = pytest.mark.sandbox

ALL = ("--yes", "--skip-preview", "--stack", STACK)
TRIES = 6
"""Runs to kill one of: on a machine that has become quicker meanwhile some end before their moment."""


def recover(project: Project) -> dict[str, list[str]]:
    done = project.operate("recover", "--json", "--stack", STACK)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def locks(project: Project) -> list[str]:
    folder = project.folder.parent / "state" / ".pulumi" / "locks"
    return [str(path) for path in folder.rglob("*") if path.is_file()]


def assert_whole(project: Project) -> None:
    """`up` ends well, the next one has nothing to do, and every cell is as intended."""
    project.pulumi("up", *ALL)
    project.pulumi("preview", "--expect-no-changes", "--stack", STACK)
    with rig(project.world, project.folder) as ready:
        assert not ready.measure().failures


@pytest.fixture
def stack(deployed: Project) -> Iterator[Project]:
    """The deployed stack, whole again afterwards for the tests that follow."""
    yield deployed
    deployed.operate("recover", "--stack", STACK)
    deployed.pulumi("up", *ALL)


@pytest.fixture(scope="module")
def seconds(deployed: Project) -> dict[str, float]:
    """How long either run takes on this machine now."""
    taken: dict[str, float] = {}
    for verb in ("destroy", "up"):
        started = time.monotonic()
        deployed.pulumi(verb, *ALL)
        taken[verb] = time.monotonic() - started
    return taken


@pytest.mark.parametrize(("verb", "whole"), [("up", False), ("destroy", False), ("up", True)])
def test_a_killed_run_is_healed_by_the_recovery_and_opens_nothing(
    stack: Project, seconds: dict[str, float], verb: str, *, whole: bool
) -> None:
    seed = time.time_ns()
    chance = random.Random(seed)
    for _ in range(TRIES):
        if verb == "up":
            stack.pulumi("destroy", *ALL)
        how = Kill(verb, chance.uniform(0.2, 0.9) * seconds[verb], whole)
        print(f"seed {seed}: {how}")
        said = kill(stack, how)
        if said is not None:
            break
        stack.pulumi("up", *ALL)
    else:
        pytest.fail(f"seed {seed}: every run had ended before it was to be killed")
    assert denied_but_open(stack.world, stack.folder) == ()
    recover(stack)
    assert locks(stack) == []
    assert denied_but_open(stack.world, stack.folder) == ()
    if verb == "destroy":
        stack.pulumi("destroy", *ALL)
        assert left_on_host(stack.world) == []
    assert_whole(stack)


def left_on_host(world: World) -> list[str]:
    """What of ours a finished `destroy` would have left."""
    lists = "virsh -q net-list --all --name; virsh -q pool-list --all --name; nft list tables"
    segments = {"public", "private", "database", "container", "management"}
    words = set(in_dell(world, "sh", "-c", f"ls /sys/class/net /etc; {lists}").split())
    return sorted((words & segments) | {word for word in words if word.startswith(("br-", "twin"))})
