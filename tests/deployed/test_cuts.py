"""A run that loses its way to the host, its room or its passphrase: plain words, nothing open, the next one heals."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from providers.host.pulse import SILENT_SECONDS
from sandbox.command import CommandError, run
from sandbox.dell import World, in_dell
from sandbox.dell.lan import BRIDGE
from sandbox.measure import denied_but_open
from sandbox.project import STACK, Project

pytestmark = pytest.mark.sandbox

ALL = ("--yes", "--skip-preview", "--stack", STACK)
ASIDE = "/etc/twin-vpc-before-*"
"""Copies that an armed rollback would rename back; they stay until the host has decided, and are in force nowhere."""
IN_FORCE = f"find /etc -type f ! -path '{ASIDE}' | sort | xargs sha256sum; nft -s list ruleset; ip rule; ip -6 rule"
FULL = "No space left on device"
DELL_PORT = "dell"
BOUND = 75
"""Seconds beyond the silence until the run has ended: it may begin right after a knock, and Ctrl-C takes a moment."""


def heal(project: Project) -> None:
    """What the owner does next: the recovery, and `up`; then there is nothing left to do."""
    healed = project.operate("recover", "--stack", STACK)
    assert healed.returncode == 0, healed.stderr
    project.pulumi("up", *ALL)
    project.pulumi("preview", "--expect-no-changes", "--stack", STACK)
    assert on_host(project.world, f"ls -d {ASIDE} 2>/dev/null || true") == "", "what was aside has gone"


def on_host(world: World, script: str) -> str:
    return in_dell(world, "sh", "-c", script)


@pytest.fixture
def stack(deployed: Project) -> Iterator[Project]:
    """The deployed stack, whole again afterwards."""
    yield deployed
    heal(deployed)


@contextmanager
def sessions_killed(world: World) -> Iterator[None]:
    """The host ends every SSH session at once; a new one is welcome."""
    on_host(world, "pkill -9 -f '^sshd: root'")
    yield


@pytest.mark.parametrize("moment", ["NetworkPolicy policy creating", "Network vpc-private creating"])
def test_sessions_killed_in_the_middle_leave_no_traceback_and_open_nothing(stack: Project, moment: str) -> None:
    stack.pulumi("destroy", *ALL)
    process = stack.start("up", *ALL)
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if moment in line:
                break
        with sessions_killed(stack.world):
            said += process.communicate(timeout=400)[0]
    finally:
        process.kill()  # no run of ours outlives its test; one that has ended is not touched
        process.wait()
    assert moment in said
    assert "Traceback" not in said
    assert denied_but_open(stack.world, stack.folder) == ()
    heal(stack)


@contextmanager
def cable_drawn(world: World) -> Iterator[None]:
    """The host's cable is out of the LAN's switch: no packet arrives, and nobody is told."""
    switch = ("ip", "-n", world.places["laptop"].netns.name.replace("laptop", "lan"), "link", "set", DELL_PORT)
    run(*switch, "nomaster")
    try:
        yield
    finally:
        run(*switch, "master", BRIDGE)


@pytest.mark.parametrize(("verb", "moment"), [("up", "Network vpc-private creating"), ("destroy", "Network vpc-")])
def test_a_cable_drawn_in_the_middle_ends_the_run_in_bounded_time_and_words(
    stack: Project, verb: str, moment: str
) -> None:
    if verb == "up":
        stack.pulumi("destroy", *ALL)
    process = stack.start(verb, *ALL)
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if moment in line:
                break
        with cable_drawn(stack.world):
            said += process.communicate(timeout=SILENT_SECONDS + BOUND)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode not in {0, -9}, said
    assert "the host has been silent for" in said
    assert "make recover" in said
    assert "Traceback" not in said
    assert denied_but_open(stack.world, stack.folder) == ()
    if verb == "destroy":
        stack.operate("recover", "--stack", STACK)
        stack.pulumi("destroy", *ALL)


@contextmanager
def full(world: World, folder: str) -> Iterator[None]:
    """A folder of the host on a disk of its own that has no room left, with all that was in it."""
    on_host(
        world,
        f"t=$(mktemp -d) && cp -a {folder}/. $t/ && mount -t tmpfs -o size=512k,mode=0700 full {folder} "
        f"&& cp -a $t/. {folder}/ && rm -r $t; dd if=/dev/zero of={folder}/filler bs=4k 2>/dev/null || true",
    )
    try:
        yield
    finally:
        on_host(world, f"umount {folder}")


@contextmanager
def full_run(world: World) -> Iterator[None]:
    """The host's /run without room."""
    size = on_host(world, "findmnt -bno SIZE /run").strip()
    on_host(world, "mount -o remount,size=$(df --output=used -k /run | tail -1 | tr -d ' ')k /run")
    try:
        yield
    finally:
        on_host(world, f"mount -o remount,size={size} /run")


@pytest.mark.parametrize("where", ["/etc/twin-vpc", "/run"])
def test_a_full_disk_is_named_and_what_was_in_force_stays_in_force(edited: Project, where: str) -> None:
    world = edited.world
    text = (edited.folder / "network.yaml").read_text(encoding="utf-8")
    fewer = text.replace("to: [database, container]", "to: [database]")
    assert fewer != text
    with full_run(world) if where == "/run" else full(world, where):
        before = on_host(world, IN_FORCE)
        edited.write("network.yaml", fewer)
        with pytest.raises(CommandError, match=FULL) as refused:
            edited.pulumi("up", *ALL)
        assert "Traceback" not in refused.value.output
        assert on_host(world, IN_FORCE) == before, "no file half written, no rule changed"
        edited.write("network.yaml", text)
        assert denied_but_open(world, edited.folder) == ()
    edited.write("network.yaml", fewer)
    heal(edited)


def test_a_pool_without_room_is_named_and_healed_once_there_is_some(stack: Project) -> None:
    world = stack.world
    stack.pulumi("destroy", *ALL)
    on_host(world, "mkdir -p /data/kvm && mount -t tmpfs -o nr_inodes=1 full /data/kvm")
    try:
        with pytest.raises(CommandError, match=FULL) as refused:
            stack.pulumi("up", *ALL)
    finally:
        on_host(world, "umount /data/kvm")
    assert "Traceback" not in refused.value.output
    heal(stack)


def test_a_wrong_passphrase_is_told_in_plain_words_and_changes_nothing(stack: Project, tmp_path: Path) -> None:
    wrong = tmp_path / "passphrase"
    wrong.write_text("not this one")
    other = replace(stack, environment={**stack.environment, "PULUMI_CONFIG_PASSPHRASE_FILE": str(wrong)})
    before = on_host(stack.world, IN_FORCE)
    exported = stack.pulumi("stack", "export", "--stack", STACK)
    with pytest.raises(CommandError, match="incorrect passphrase") as refused:
        other.pulumi("up", *ALL)
    assert "Traceback" not in refused.value.output
    done = other.operate("recover", "--stack", STACK)
    assert done.returncode == 2
    assert "incorrect passphrase" in done.stderr
    assert "Traceback" not in done.stderr
    assert on_host(stack.world, IN_FORCE) == before
    assert stack.pulumi("stack", "export", "--stack", STACK) == exported
