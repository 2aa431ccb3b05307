"""The engine killed with `kill -9` in the middle: nothing denied opens, and the recovery heals without hand work.

The stack has a machine, of an empty disk: what is being made need not boot. `TWIN_VPC_KILLS` asks for more kills than
every run tries (`make campaign`), `TWIN_VPC_SEED` for the moments of an earlier run, which had printed its seed.
"""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from sandbox.command import CommandError
from sandbox.dell import World, in_dell
from sandbox.kills import Kill, kill
from sandbox.measure import denied_but_open, rig
from sandbox.probe.guests import GuestError
from sandbox.project import STACK, Project

pytestmark = pytest.mark.sandbox

ALL = ("--yes", "--skip-preview", "--stack", STACK)
KILLS = int(os.environ.get("TWIN_VPC_KILLS", "3"))
SEED = int(os.environ.get("TWIN_VPC_SEED") or time.time())
ROUND = (("up", False), ("destroy", False), ("up", True), ("destroy", True))
"""Which run is killed, and whether its plugins with it; then again from the start."""
MACHINE = "db"
WAY_OUT = "make recover STACK=dell"
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


@pytest.fixture(scope="module")
def housed(deployed: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The deployed stack with a machine; it has no data disk, which `destroy` would refuse to leave behind."""
    image = tmp_path_factory.mktemp("image") / "empty.raw"
    image.write_bytes(bytes(1024 * 1024))
    text = (deployed.folder / "Pulumi.dell.yaml").read_text(encoding="utf-8")
    salt = text[text.index("encryptionsalt:") :]
    key = deployed.world.key.with_suffix(".pub").read_text().strip()
    machine = (
        "segment: database, address: 10.0.3.20, ssh_port: 2251, vcpu: 1, memory: 64 MiB, disk: 1 MiB, pool: hdd, "
        f'image: empty, user: owner, keys: ["{key}"]'
    )
    lines = f"""  twin-vpc:images:
    empty: {{source: {image}, sha256: "{hashlib.sha256(image.read_bytes()).hexdigest()}", format: raw}}
  twin-vpc:machines:
    {MACHINE}: {{{machine}}}
"""
    emulated = text.replace(salt, "").replace("    port: 2200\n", "    port: 2200\n    virtualization: qemu\n")
    deployed.write("Pulumi.dell.yaml", emulated + lines + salt)
    deployed.pulumi("up", *ALL)
    yield deployed
    deployed.write("Pulumi.dell.yaml", text)
    deployed.pulumi("up", *ALL)


@pytest.fixture
def stack(housed: Project) -> Iterator[Project]:
    """The deployed stack, whole again afterwards for the tests that follow."""
    yield housed
    housed.operate("recover", "--stack", STACK)
    housed.pulumi("up", *ALL)


@pytest.fixture(scope="module")
def seconds(housed: Project) -> dict[str, float]:
    """How long either run takes on this machine now."""
    taken: dict[str, float] = {}
    for verb in ("destroy", "up"):
        started = time.monotonic()
        housed.pulumi(verb, *ALL)
        taken[verb] = time.monotonic() - started
    return taken


@pytest.mark.parametrize("number", range(1, KILLS + 1))
def test_a_killed_run_is_healed_by_the_recovery_and_opens_nothing(
    stack: Project, seconds: dict[str, float], number: int, record_property: Callable[[str, object], None]
) -> None:
    verb, whole = ROUND[(number - 1) % len(ROUND)]
    chance = random.Random(f"{SEED} {number}")
    record_property("seed", SEED)
    for _ in range(TRIES):
        if verb == "up":
            stack.pulumi("destroy", *ALL)
        how = Kill(verb, chance.uniform(0.1, 0.95) * seconds[verb], whole)
        print(f"TWIN_VPC_SEED={SEED}: {how}")
        said = kill(stack, how)
        if said is not None:
            break
        stack.pulumi("up", *ALL)
    else:
        pytest.fail(f"seed {SEED}: every run had ended before it was to be killed")
    record_property("kill", str(how))
    assert open_now(stack) == ()
    record_property("healed", summary(recover(stack)))
    assert locks(stack) == []
    assert denied_but_open(stack.world, stack.folder) == ()
    if verb == "destroy":
        stack.pulumi("destroy", *ALL)
        assert left_on_host(stack.world) == []
    assert_whole(stack)


def open_now(stack: Project) -> tuple[str, ...]:
    """Denied probes that get through; asked again if a bridge went meanwhile, for libvirt ends what it has begun."""
    before = links(stack.world)
    try:
        return denied_but_open(stack.world, stack.folder)
    except GuestError:
        if links(stack.world) == before:
            raise
        return open_now(stack)


def links(world: World) -> set[str]:
    return set(in_dell(world, "ls", "/sys/class/net").split())


def summary(report: dict[str, list[str]]) -> str:
    """How much the recovery found of what, for the campaign's report."""
    counts = {name: len(report[name]) for name in ("unlocked", "cleared", "mended", "adopted")}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def seed_is_there(world: World) -> bool:
    return ".iso" in in_dell(world, "sh", "-c", "ls /data/kvm/images/twin-vpc 2>/dev/null || true")


def domain_is_there(world: World) -> bool:
    return MACHINE in in_dell(world, "virsh", "list", "--all", "--name").split()


@pytest.mark.parametrize("made", [seed_is_there, domain_is_there])
def test_a_kill_while_a_machine_is_made_is_healed(stack: Project, made: Callable[[World], bool]) -> None:
    stack.pulumi("destroy", *ALL)
    process = stack.start("up", *ALL)
    end = time.monotonic() + 120
    while not made(stack.world):
        assert process.poll() is None
        assert time.monotonic() < end
    process.kill()
    print(process.communicate(timeout=30)[0])
    recover(stack)
    assert_whole(stack)
    assert in_dell(stack.world, "virsh", "domstate", MACHINE).strip() == "running"


def test_a_kill_while_the_states_note_is_written_is_healed(stack: Project) -> None:
    """As a campaign has found it: the state beside an empty note is whole, and nothing reads it."""
    (note,) = (stack.folder.parent / "state" / ".pulumi" / "stacks").rglob(f"{STACK}.json.attrs")
    note.write_text("")
    with pytest.raises(CommandError, match="failed to load checkpoint"):
        stack.pulumi("preview", "--stack", STACK)
    assert len(recover(stack)["mended"]) == 1
    stack.pulumi("preview", "--expect-no-changes", "--stack", STACK)


MACHINE_URN = (
    f"urn:pulumi:{STACK}::twin-vpc::twin-vpc:libvirt:VirtualMachine$libvirt:index/domain:Domain::machine-db-domain"
)
SEED_URN = MACHINE_URN.replace("domain:Domain", "cloudInitDisk:CloudInitDisk").replace("db-domain", "db-seed")


def test_a_machine_that_was_made_is_adopted_and_goes_on_running(stack: Project) -> None:
    """As after a kill that came between the machine's start and the engine's note of it."""
    before = in_dell(stack.world, "virsh", "dumpxml", MACHINE)
    stack.pulumi("state", "delete", SEED_URN, "--target-dependents", "--yes", "--stack", STACK)
    with pytest.raises(CommandError) as refused:
        stack.pulumi("up", *ALL)
    assert WAY_OUT in refused.value.output
    assert [name.split()[0] for name in recover(stack)["adopted"]] == ["cloud-init", "machine"]
    stack.pulumi("preview", "--expect-no-changes", "--stack", STACK)
    assert in_dell(stack.world, "virsh", "dumpxml", MACHINE) == before, "with its uuid and the id of its process"


def test_a_machine_of_the_same_name_with_other_disks_is_named_and_left_alone(stack: Project) -> None:
    world = stack.world
    stack.pulumi("state", "delete", MACHINE_URN, "--yes", "--stack", STACK)
    in_dell(world, "virsh", "destroy", MACHINE)
    in_dell(world, "virsh", "undefine", MACHINE)
    theirs = f"<domain type='qemu'><name>{MACHINE}</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    in_dell(world, "virsh", "define", "/dev/stdin", stdin=theirs)
    before = in_dell(world, "virsh", "dumpxml", MACHINE)
    try:
        done = stack.operate("recover", "--stack", STACK)
        assert done.returncode == 1
        assert f"a machine {MACHINE} that this project has not made: it has MAC" in done.stderr
        assert in_dell(world, "virsh", "dumpxml", MACHINE) == before
    finally:
        in_dell(world, "virsh", "undefine", MACHINE)


NETWORK = f"urn:pulumi:{STACK}::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-public"


@pytest.fixture
def forgotten(stack: Project) -> Project:
    """A network that was made and that the state does not know, as after a kill and `pulumi cancel`."""
    # What watches it is forgotten with it: that one is nothing on the host, and the next run makes it again.
    stack.pulumi("state", "delete", NETWORK, "--target-dependents", "--yes", "--stack", STACK)
    return stack


def test_a_bare_up_names_the_recovery_which_adopts_by_name_and_replaces_nothing(forgotten: Project) -> None:
    before = in_dell(forgotten.world, "virsh", "net-uuid", "public")
    with pytest.raises(CommandError) as refused:
        forgotten.pulumi("up", *ALL)
    assert WAY_OUT in refused.value.output
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
