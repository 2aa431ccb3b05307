"""Up, down, kills in the middle, reboots: on a second sandbox beside the checkout's own, which must not notice.

A snapshot of the machine is taken before and compared after. What bears another sandbox's name is left out of it, so
that others can work on the machine meanwhile.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import dell
from sandbox.command import run
from sandbox.dell import SandboxDownError, cgroup, daemon, image, power
from sandbox.dell import __main__ as command_line
from sandbox.dell.site import Site
from sandbox.paths import checkout_id
from tests.sandbox.outer import snapshot, traces

pytestmark = pytest.mark.sandbox

SECOND = Site(f"t{checkout_id()[:7]}")
CLI = (sys.executable, "-m", "sandbox.dell")
ENV = os.environ | {"TWIN_VPC_ID": SECOND.id}


@pytest.fixture(scope="module", autouse=True)
def _image_first() -> None:
    image.ensure()


@pytest.fixture
def before() -> Iterator[dict[str, list[str]]]:
    dell.down(SECOND)
    yield snapshot(SECOND)
    dell.down(SECOND)
    shutil.rmtree(SECOND.state)


def clean(before: dict[str, list[str]]) -> None:
    assert snapshot(SECOND) == before
    assert traces(SECOND) == []
    assert cgroup.groups(SECOND.machine) == []
    left = {str(path.relative_to(SECOND.state)) for path in SECOND.state.rglob("*")}
    assert left <= {"lock", "home"}, "files stayed in the state folder"


def killed(command: str, after: float) -> None:
    """Run the command and kill it, not its children, after some seconds."""
    process = subprocess.Popen([*CLI, command], env=ENV, stdout=subprocess.DEVNULL)
    time.sleep(after)
    process.kill()
    process.wait()


def test_down_leaves_nothing_and_up_touches_nothing_of_the_machine(before: dict[str, list[str]]) -> None:
    world = dell.up(SECOND)
    during = snapshot(SECOND)
    for what in ("links", "addresses", "routes", "rules", "nftables", "devices", "forwarding"):
        assert during[what] == before[what], f"the machine's own {what} changed"
    assert traces(SECOND), "negative control: the sandbox's processes must show in the snapshot"
    assert during["network namespaces"] != before["network namespaces"]
    assert during["control groups"] != before["control groups"]
    added = set(during["mounts"]) - set(before["mounts"])
    assert all("/run/netns" in line for line in added), "only iproute2's own mounts may show on the machine"
    assert dell.current(SECOND) == world
    dell.down(SECOND)
    clean(before)
    dell.down(SECOND)
    clean(before)


@pytest.mark.parametrize("after", [0.15, 0.3, 0.6, 1.5, 3.0])
def test_a_killed_up_is_healed_by_down(before: dict[str, list[str]], after: float) -> None:
    killed("up", after)
    dell.down(SECOND)
    clean(before)


@pytest.mark.parametrize("after", [0.25, 2.0])
def test_a_killed_up_is_healed_by_up(before: dict[str, list[str]], after: float) -> None:
    killed("up", after)
    with pytest.raises(SandboxDownError, match="make up"):
        dell.current(SECOND)
    world = dell.up(SECOND)
    assert set(world.places) == {"internet", "router", "nas", "laptop", "dell", "docker0"}
    dell.down(SECOND)
    clean(before)


@pytest.mark.parametrize("after", [0.12, 0.2])
def test_a_killed_down_is_healed_by_either(before: dict[str, list[str]], after: float) -> None:
    dell.up(SECOND)
    killed("down", after)
    dell.up(SECOND)
    killed("down", after)
    dell.down(SECOND)
    clean(before)


@pytest.mark.parametrize("victim", ["supervisor", "dns"])
def test_a_world_that_lost_a_daemon_counts_as_down_and_is_made_anew(before: dict[str, list[str]], victim: str) -> None:
    old = dell.up(SECOND)
    pid = daemon.running(SECOND, victim)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    with pytest.raises(SandboxDownError):
        dell.current(SECOND)
    assert dell.up(SECOND).dell_pid != old.dell_pid
    dell.down(SECOND)
    clean(before)


def test_leftovers_of_others_in_our_namespaces_go_too(before: dict[str, list[str]]) -> None:
    """A guest's namespace that a test made, its process, and a name without a namespace behind it."""
    world = dell.up(SECOND)
    run("ip", "netns", "add", SECOND.netns("guest-7"))
    stray = [
        subprocess.Popen(["ip", "netns", "exec", SECOND.netns(place), "sleep", "600"])
        for place in ("guest-7", "laptop")
    ]
    SECOND.netns_path("broken").touch()
    dell.down(SECOND)
    assert [process.wait(timeout=5) for process in stray] == [-signal.SIGKILL] * 2
    clean(before)
    assert world.id == SECOND.id


def test_a_pid_that_another_process_took_over_is_left_alone(before: dict[str, list[str]]) -> None:
    bystander = subprocess.Popen(["sleep", "600"])
    SECOND.state.mkdir(parents=True, exist_ok=True)
    (SECOND.state / "supervisor.pid").write_text(f"{bystander.pid} 1\n")
    assert daemon.running(SECOND, "supervisor") is None
    assert power.init(SECOND) is None
    dell.down(SECOND)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    clean(before)


def test_the_host_comes_back_from_a_reboot_with_its_disk(before: dict[str, list[str]]) -> None:
    world = dell.up(SECOND)
    dell.in_dell(world, "sh", "-c", "echo kept > /srv/kept; virsh net-start default; virsh net-autostart default")
    devices = snapshot(SECOND)["devices"]
    with pytest.raises(dell.SandboxError):
        raise_unless_rebooted(world, dell.current(SECOND))
    again = dell.reboot(world)
    raise_unless_rebooted(world, again)
    assert dell.in_dell(again, "cat", "/srv/kept") == "kept\n"
    assert "virbr0" in dell.in_dell(again, "ip", "-brief", "link"), "an autostarted network comes back"
    assert again.places["docker0"].netns.exists(), "the container runs again"
    assert "Up" in dell.in_dell(again, "docker", "ps", "--filter", "name=probe")
    assert dell.in_laptop(again, "ip", "route", "get", "192.168.1.10")
    assert snapshot(SECOND)["devices"] == devices == before["devices"], (
        "owner and mode of /dev/kvm belong to the machine"
    )


def raise_unless_rebooted(old: dell.World, new: dell.World) -> None:
    if old.dell_pid == new.dell_pid:
        raise dell.SandboxError("the host's PID 1 is the same as before")


def test_a_closed_port_of_the_host_stays_closed_until_firewalld_opens_it(before: dict[str, list[str]]) -> None:
    """The world's firewalld is in force, and not just active."""
    world = dell.up(SECOND)
    assert before
    knock = ("busybox", "nc", "-w", "1", "192.168.1.10", "2300")
    into = ("nsenter", f"--net={world.places['dell'].netns}")
    serve = subprocess.Popen([*into, "busybox", "nc", "-ll", "-p", "2300", "-e", "/bin/echo", "hello"])
    try:
        closed = subprocess.run([*laptop(), *knock], capture_output=True, text=True, check=False)
        dell.in_dell(world, "firewall-cmd", "--zone=public", "--add-port=2300/tcp")
        opened = subprocess.run([*laptop(), *knock], capture_output=True, text=True, check=False)
    finally:
        serve.kill()
        serve.wait()
    assert closed.stdout == ""
    assert opened.stdout == "hello\n"


def laptop() -> tuple[str, ...]:
    return ("nsenter", f"--net={SECOND.netns_path('laptop')}")


def test_two_sandboxes_run_side_by_side(before: dict[str, list[str]]) -> None:
    first = dell.up()
    second = dell.up(SECOND)
    assert before
    assert first.id != second.id
    assert dell.current() == first
    for world in (first, second):
        assert dell.in_laptop(world, "ip", "-brief", "address").count("192.168.1.30/24") == 1
    dell.in_dell(second, "touch", "/srv/second")
    assert dell.in_dell(first, "ls", "/root").split() == []
    assert first.key.read_text() != second.key.read_text()
    assert first.known_hosts.read_text() != second.known_hosts.read_text()
    machines = {dell.in_dell(world, "cat", "/etc/machine-id") for world in (first, second)}
    assert len(machines) == 2
    dell.down(SECOND)
    assert dell.current() == first, "taking one down took the other with it"


def test_the_command_line_says_whether_it_is_up(before: dict[str, list[str]]) -> None:
    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*CLI, *words], env=ENV, capture_output=True, text=True, check=False)

    assert before
    for words in (("status",), ("exec", "--", "true")):
        told = cli(*words)
        assert told.returncode == 3
        assert "`make up` brings it up" in told.stderr
    up = cli("up")
    assert up.returncode == 0, up.stderr
    assert "booting the host" in up.stdout
    assert cli("status").returncode == 0
    assert cli("exec", "--", "hostname").stdout == "dell\n"
    assert cli("exec", "--", "sh", "-c", "exit 7").returncode == 7
    assert cli("down").returncode == 0
    assert cli("status").returncode == 3


def test_what_is_missing_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(dell.SandboxError, match=r"debootstrap.*apt-get install .*debootstrap"):
        dell.up(SECOND)


def test_another_user_than_root_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command_line.main(["up"]) == 1
    assert "needs root" in capsys.readouterr().err
