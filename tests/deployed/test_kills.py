"""The engine killed with `kill -9` in the middle: nothing denied opens, and the recovery heals without hand work."""

import json
import random
import time
from collections.abc import Iterator

import pytest

from sandbox.command import CommandError
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


NETWORK = f"urn:pulumi:{STACK}::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-public"


@pytest.fixture
def forgotten(stack: Project) -> Project:
    """A network that was made and that the state does not know, as after a kill and `pulumi cancel`."""
    # What watches it is forgotten with it: that one is nothing on the host, and the next run makes it again.
    stack.pulumi("state", "delete", NETWORK, "--target-dependents", "--yes", "--stack", STACK)
    return stack


def test_a_bare_up_names_the_recovery_which_adopts_by_name_and_replaces_nothing(forgotten: Project) -> None:
    before = in_dell(forgotten.world, "virsh", "net-uuid", "public")
    with pytest.raises(CommandError, match="make recover STACK=dell") as refused:
        forgotten.pulumi("up", *ALL)
    assert "Traceback" not in refused.value.output
    assert recover(forgotten)["adopted"] == ["network public"]
    forgotten.pulumi("up", *ALL)
    forgotten.pulumi("preview", "--expect-no-changes", "--stack", STACK)
    assert in_dell(forgotten.world, "virsh", "net-uuid", "public") == before, "the network is the one that was there"


def test_a_network_that_was_defined_and_not_started_is_made_anew(forgotten: Project) -> None:
    in_dell(forgotten.world, "virsh", "net-destroy", "public")
    assert recover(forgotten)["mended"]
    assert_whole(forgotten)


def test_a_strangers_network_of_the_same_name_is_named_and_left_alone(forgotten: Project) -> None:
    world = forgotten.world
    for verb in ("net-destroy", "net-undefine"):
        in_dell(world, "virsh", verb, "public")
    ip = "<ip address='192.168.77.1' netmask='255.255.255.0'/>"
    theirs = f"<network><name>public</name><forward mode='nat'/><bridge name='virbr7'/>{ip}</network>"
    in_dell(world, "virsh", "net-define", "/dev/stdin", stdin=theirs)
    before = in_dell(world, "virsh", "net-dumpxml", "public")
    try:
        done = forgotten.operate("recover", "--stack", STACK)
        assert done.returncode == 1
        assert "a network public that this project has not made: it has mode nat instead of open" in done.stderr
        assert in_dell(world, "virsh", "net-dumpxml", "public") == before
        assert NETWORK not in forgotten.pulumi("stack", "export", "--stack", STACK)
    finally:
        in_dell(world, "virsh", "net-undefine", "public")


def left_on_host(world: World) -> list[str]:
    """What of ours a finished `destroy` would have left."""
    lists = "virsh -q net-list --all --name; virsh -q pool-list --all --name; nft list tables"
    segments = {"public", "private", "database", "container", "management"}
    words = set(in_dell(world, "sh", "-c", f"ls /sys/class/net /etc; {lists}").split())
    return sorted((words & segments) | {word for word in words if word.startswith(("br-", "twin"))})
