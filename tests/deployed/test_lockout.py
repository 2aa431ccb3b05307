"""Changes that cut the owner's SSH, really made: the host takes each back by itself (N9)."""

from collections.abc import Iterator

import pytest

from providers.host.errors import HostError
from sandbox import dell
from sandbox.command import CommandError
from sandbox.dell.site import Site
from sandbox.dell.world import World, in_dell, settled, ssh, wait_for
from sandbox.paths import checkout_id, content_key
from tests.providers.host import Host
from tests.providers.samples import RULESET, ZONE, inputs
from tests.providers.worker import patched

pytestmark = pytest.mark.sandbox

SITE = Site(content_key(checkout_id(), "lockout")[:8])
SECONDS = 10
GUARD = "/var/lib/twin-vpc-guard/policy"
INPUT = "type filter hook input priority filter - 10; policy accept;\n"
CUT = RULESET.replace(INPUT, f"{INPUT}        tcp dport 2200 drop\n")
"""Every packet of the owner's: the session that installs it stands still as well."""
CUT_NEW = RULESET.replace(INPUT, f"{INPUT}        tcp dport 2200 ct state new drop\n")
"""New logins alone: the session that installs it lives on and notices nothing."""
CUT_BY_ZONE = ZONE.replace("<zone>", '<zone target="DROP">').replace(
    '  <interface name="br-private"/>', '  <interface name="br-private"/>\n  <source address="192.168.1.0/24"/>'
)
"""The home LAN in the zone of the segments, where only DHCP and DNS are served."""

LOCKOUTS = {
    "a rule that drops every packet of SSH": {"ruleset": CUT},
    "a rule that drops new logins only": {"ruleset": CUT_NEW},
    "a firewalld zone that takes the LAN": {"zone": CUT_BY_ZONE},
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    dell.down(SITE)
    yield dell.up(SITE)
    dell.down(SITE)


@pytest.fixture
def host(world: World) -> Iterator[Host]:
    here = Host(dell.current(Site(world.id)))
    here.settings["confirmSeconds"] = "90"
    yield here
    here.delete(inputs())


KILLED = (
    "import os; from providers.host import jobs\n"
    "jobs.commit = lambda session, guard, step, ways=(): (step(), os.kill(os.getpid(), 9))"
)
UNCONFIRMED = patched(KILLED)
"""Killed with -9 between the installation and its confirmation."""
UNARMED = patched(
    f"{KILLED}\nfrom providers.host import deploy\n"
    "deploy.guarded = lambda guard, program, *arguments: deploy.command(program, *arguments)"
)
"""The same, but for the rollback."""
OLD_SESSION = patched("from providers.host.session import Session\nSession.renew = lambda self: None")


def cut_off(host: Host, state: dict[str, object], **changed: object) -> str:
    """Make a change that cannot be confirmed; return what is told."""
    host.settings["confirmSeconds"] = str(SECONDS)
    with pytest.raises(HostError, match="the change was taken back") as told:
        host.update(state, **changed) if state else host.create(**changed)
    assert type(told.value) is HostError, "not half done: the engine keeps what it has recorded"
    host.settings["confirmSeconds"] = "90"
    return str(told.value)


def gets_in(host: Host) -> bool:
    """Whether the owner can log in anew."""
    try:
        return ssh(host.world, "echo", "in") == "in\n"
    except CommandError:
        return False


def files(host: Host) -> str:
    """Files that a change of ours can touch."""
    return host.sh(
        "find /etc/twin-vpc /etc/systemd/system /etc/firewalld /etc/sysctl.d /etc/ssh -type f -o -type l | sort | "
        "xargs sha256sum"
    )


def held(host: Host) -> str:
    """Files, rules and settings that a change of ours can touch."""
    settled(host.world)
    return files(host) + host.sh(
        "nft -s list ruleset | sort; ip rule; sysctl -n net.ipv4.ip_forward; firewall-cmd --list-all-zones; "
        "firewall-cmd --list-all-policies"
    )


def nothing_waits(host: Host) -> bool:
    return host.sh(f"cat {GUARD}/armed 2>/dev/null; systemctl list-timers --all | grep twin-vpc || true") == ""


@pytest.mark.parametrize("case", LOCKOUTS)
def test_a_change_that_cuts_the_owner_off_is_taken_back_by_the_host_itself(host: Host, case: str) -> None:
    state = host.create()
    before = held(host)
    told = cut_off(host, state, **LOCKOUTS[case])
    for part in ("no new login proved it within 10 s", "by itself", "then run `pulumi up` again"):
        assert part in told
    assert gets_in(host)
    wait_for("Docker to make its chains again", lambda: held(host) == before)
    assert host.drift(state) == {}, "the state of before is true again"
    state = host.update(state, sysctl="net.ipv4.ip_forward = 1\n")
    assert host.drift(state) == {}, "a good change goes through afterwards"
    assert nothing_waits(host)


def test_a_first_installation_that_cuts_the_owner_off_leaves_nothing_of_ours(host: Host) -> None:
    before = host.snapshot()
    cut_off(host, {}, ruleset=CUT_NEW)
    assert gets_in(host)
    host.assert_as(before)
    assert host.read(inputs()).resource_id is None
    assert host.drift(host.create()) == {}


def test_a_run_killed_before_it_confirmed_is_taken_back(host: Host) -> None:
    state = host.create()
    before = held(host)
    host.settings["confirmSeconds"] = "30"
    host.worker = UNCONFIRMED
    with pytest.raises(HostError, match="helper process that runs pyinfra ended early"):
        host.update(state, ruleset=CUT_NEW)
    assert not gets_in(host), "the control: it was in force"
    wait_for("the host to take it back", lambda: nothing_waits(host))
    assert gets_in(host)
    wait_for("Docker to make its chains again", lambda: held(host) == before)
    assert host.drift(state) == {}


def test_the_run_after_a_killed_one_takes_over_and_confirms(host: Host) -> None:
    state = host.create()
    good = "net.ipv4.ip_forward = 1\n# changed\n"
    host.worker = UNCONFIRMED
    with pytest.raises(HostError):
        host.update(state, sysctl=good)
    assert "armed" in host.sh(f"ls {GUARD}")
    host.worker = Host(host.world).worker
    state = host.update(state, sysctl=good)
    assert nothing_waits(host)
    assert host.drift(state) == {}
    assert "# changed" in host.sh("cat /etc/sysctl.d/60-twin-vpc.conf")


def test_a_lockout_after_a_killed_run_goes_back_to_what_was_confirmed_last(host: Host) -> None:
    state = host.create()
    host.worker = UNCONFIRMED
    with pytest.raises(HostError):
        host.update(state, sysctl="net.ipv4.ip_forward = 1\n# never confirmed\n")
    host.worker = Host(host.world).worker
    cut_off(host, state, ruleset=CUT_NEW)
    assert host.drift(state) == {}


@pytest.mark.parametrize("first", [True, False])
def test_a_reboot_before_the_confirmation_takes_it_back(host: Host, *, first: bool) -> None:
    state = {} if first else host.create()
    before = files(host)
    host.settings["confirmSeconds"] = "3600"  # the timer is out of the game
    host.worker = UNCONFIRMED
    with pytest.raises(HostError):
        host.update(state, ruleset=CUT_NEW)
    assert not gets_in(host), "the control: it was in force"
    host.world = dell.reboot(host.world)  # waits for a login from the laptop
    host.worker = Host(host.world).worker
    assert nothing_waits(host)
    assert files(host) == before
    assert host.drift(state) == {} if state else host.read(inputs()).resource_id is None
    assert host.sh("systemctl --failed --no-legend --plain | cut -d' ' -f1") == ""


def test_without_the_armed_rollback_the_host_stays_cut_off(host: Host) -> None:
    """The negative control of all above."""
    state = host.create()
    host.settings["confirmSeconds"] = str(SECONDS)
    host.worker = UNARMED
    with pytest.raises(HostError):
        host.update(state, ruleset=CUT_NEW)
    in_dell(host.world, "sleep", str(SECONDS + 2))
    assert not gets_in(host)
    host.sh("nft delete table inet twin_vpc_host")
    host.worker = Host(host.world).worker


def test_a_confirmation_by_the_old_session_would_prove_nothing(host: Host) -> None:
    """The negative control of the new login: the session that installed the change still works."""
    state = host.create()
    host.worker = OLD_SESSION
    host.update(state, ruleset=CUT_NEW)
    assert nothing_waits(host)
    assert not gets_in(host)
    host.sh("nft delete table inet twin_vpc_host")
    host.worker = Host(host.world).worker


def test_a_refused_removal_leaves_another_runs_change_under_its_guard(host: Host) -> None:
    """Two bridges of ours are there, so the removal is refused; the change that waits is still taken back."""
    state = host.create()
    host.settings["confirmSeconds"] = "30"
    host.worker = UNCONFIRMED
    with pytest.raises(HostError):
        host.update(state, sysctl="net.ipv4.ip_forward = 1\n# never confirmed\n")
    host.worker = Host(host.world).worker
    host.sh("ip link add br-private type bridge")
    try:
        with pytest.raises(HostError, match="still has the bridge br-private"):
            host.delete(state)
        assert not nothing_waits(host)
        wait_for("the host to take it back", lambda: nothing_waits(host))
    finally:
        host.sh("ip link del br-private")
    assert host.drift(state) == {}


def test_nobody_but_root_can_hold_up_a_change_or_its_rollback(host: Host) -> None:
    """A lock that a stranger holds where ours used to be, and a link where root used to write."""
    host.sh(
        "echo precious > /etc/precious; rm -f /run/lock/twin-vpc.lock; "
        "runuser -u nobody -- ln -s /etc/precious /run/lock/twin-vpc.lock; "
        "systemd-run -q --collect --unit=stranger --uid=nobody flock /var/lib sleep 600"
    )
    try:
        state = host.create()
        cut_off(host, state, ruleset=CUT_NEW)
        assert gets_in(host)
        assert host.sh("cat /etc/precious") == "precious\n"
        assert host.sh("stat -c %a:%U /run/twin-vpc").split() == ["700:root"]
    finally:
        host.sh("systemctl stop stranger; rm /run/lock/twin-vpc.lock /etc/precious")


def test_a_disk_that_is_full_by_then_does_not_hinder_the_rollback(host: Host) -> None:
    """What was there before lies ready, so that all that is needed are renames."""
    host.sh("cp -a /etc /tmp/etc && mount -t tmpfs -o size=32m full /etc && cp -a /tmp/etc/. /etc/ && rm -r /tmp/etc")
    try:
        state = host.create()
        before = held(host)
        host.settings["confirmSeconds"] = str(SECONDS)
        host.worker = UNCONFIRMED
        with pytest.raises(HostError):
            host.update(state, ruleset=CUT_NEW)
        host.sh("dd if=/dev/zero of=/etc/filler bs=4k 2>/dev/null; ! echo room > /etc/room 2>/dev/null")
        assert not gets_in(host), "the control: it was in force"
        wait_for("the host to take it back", lambda: nothing_waits(host))
        assert gets_in(host)
        wait_for("Docker to make its chains again", lambda: held(host) == before)
        host.worker = Host(host.world).worker
        host.sh("rm /etc/filler")
        host.delete(inputs())
    finally:
        host.sh("umount -l /etc")
