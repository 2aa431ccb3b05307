"""Settings of sshd that cut the owner off, really made: the host takes each back by itself (N9, H2)."""

from collections.abc import Iterator

import pytest

from providers.host.errors import HostError
from sandbox import dell
from sandbox.command import CommandError
from sandbox.dell.site import Site
from sandbox.dell.world import World, in_dell, ssh, wait_for
from sandbox.paths import checkout_id, content_key
from tests.providers.ssh_host import SshHost, inputs
from tests.providers.worker import patched

pytestmark = pytest.mark.sandbox

SITE = Site(content_key(checkout_id(), "lockout-sshd")[:8])
SECONDS = 10
OTHER = "/etc/ssh/sshd_config.d/20-owner.conf"
GOOD = "MaxAuthTries 5\n"
NO_KEYS = "AuthorizedKeysFile /etc/ssh/nobody\n"
KILLED = (
    "import os; from providers.host import sshd_jobs\n"
    "sshd_jobs.commit = lambda session, guard, step, ways=(): (step(), os.kill(os.getpid(), 9))"
)
UNCONFIRMED = patched(KILLED)
"""Killed with -9 between the installation and its confirmation."""
UNARMED = patched(
    f"{KILLED}\nfrom providers.host import deploy\n"
    "deploy.guarded = lambda guard, program, *arguments: deploy.command(program, *arguments)"
)
"""The same, but for the rollback."""
OLD_SESSION = patched("from providers.host.session import Session\nSession.renew = lambda self: None")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    dell.down(SITE)
    yield dell.up(SITE)
    dell.down(SITE)


@pytest.fixture
def host(world: World) -> Iterator[SshHost]:
    here = SshHost(dell.current(Site(world.id)))
    here.settings["confirmSeconds"] = "90"
    yield here
    here.worker = SshHost(here.world).worker
    here.sh(f"rm -f {OTHER}")
    here.delete(inputs("2200"))
    assert "twin-vpc" not in here.sh("ls /etc /etc/ssh/sshd_config.d /var/lib")
    assert "twin-vpc-" not in here.sh("ls /run"), "nothing but the host's lock"


def gets_in(host: SshHost) -> bool:
    """Whether the owner can log in anew."""
    try:
        return ssh(host.world, "echo", "in") == "in\n"
    except CommandError:
        return False


def nothing_waits(host: SshHost) -> bool:
    return host.sh("ls -A /var/lib | grep twin-vpc || true; systemctl list-timers --all | grep twin-vpc || true") == ""


LOCKOUTS = {
    "a port that nobody knows": (("2299",), ""),
    "a key that is no longer taken": (("2200",), NO_KEYS),
    "a second port that firewalld keeps shut": (("2200", "2299"), ""),
}


@pytest.mark.parametrize("case", LOCKOUTS)
def test_settings_that_cut_the_owner_off_are_taken_back_by_the_host_itself(host: SshHost, case: str) -> None:
    ports, more = LOCKOUTS[case]
    state = host.apply("2200")
    before = host.drop_in
    host.settings["confirmSeconds"] = str(SECONDS)
    with pytest.raises(HostError, match="the change was taken back, because no new login proved it") as told:
        host.apply(*ports, more=more)
    assert type(told.value) is HostError, "not half done: the engine keeps what it has recorded"
    assert gets_in(host)
    assert (host.drop_in, host.ports) == (before, {"2200"})
    assert host.drift(state) == {}, "the state of before is true again"
    assert nothing_waits(host)
    host.settings["confirmSeconds"] = "90"
    state = host.apply("2200", more=GOOD)
    assert host.drift(state) == {}, "a good change goes through afterwards"
    assert "maxauthtries 5" in host.sh("sshd -T")
    assert nothing_waits(host)


def test_a_first_change_that_cuts_the_owner_off_leaves_nothing_of_ours(host: SshHost) -> None:
    host.settings["confirmSeconds"] = str(SECONDS)
    with pytest.raises(HostError, match="the change was taken back"):
        host.apply("2299")
    assert gets_in(host)
    assert (host.drop_in, host.ports) == ("", {"2200"})


def test_sshd_moves_to_another_port_by_way_of_both(host: SshHost) -> None:
    """The owner never stands before a shut door: both are open before the old one is closed."""
    host.apply("2200")
    host.sh("firewall-cmd -q --zone=public --add-port=2299/tcp")
    try:
        state = host.apply("2200", "2299")
        assert (host.ports, host.drift(state)) == ({"2200", "2299"}, {})
        assert nothing_waits(host)
    finally:
        host.sh("firewall-cmd -q --zone=public --remove-port=2299/tcp")


def refused(host: SshHost, *ports: str, more: str = "") -> str:
    """What is told of settings that change nothing."""
    before = (host.drop_in, host.sh("ss -Hltnpe | grep sshd | grep -o 'ino:[0-9]*'"))
    with pytest.raises(HostError, match="nothing was changed") as told:
        host.apply(*ports, more=more)
    assert before == (host.drop_in, host.sh("ss -Hltnpe | grep sshd | grep -o 'ino:[0-9]*'")), "sshd was not told"
    assert nothing_waits(host)
    assert "twin-vpc-" not in host.sh("ls /run")
    return str(told.value)


def test_what_sshd_refuses_and_what_others_have_told_it_is_refused_before_anything(host: SshHost) -> None:
    host.apply("2200")
    assert "line 8: Bad configuration option: MaxAuthTrys" in refused(host, "2200", more="MaxAuthTrys 5\n")
    host.sh(f"printf '# mine\\nListenAddress 0.0.0.0:22\\n' > {OTHER}")
    told = refused(host, "2200", more=GOOD)
    assert f"sshd is told to listen on 22 too ({OTHER} line 2: `ListenAddress 0.0.0.0:22`)" in told
    first = "/etc/ssh/sshd_config.d/00-a.conf"
    host.sh(f"rm {OTHER}; echo PasswordAuthentication yes > {first}")
    try:
        assert "sshd takes passwordauthentication for yes, not no" in refused(host, "2200", more=GOOD)
    finally:
        host.sh(f"rm {first}")


def test_a_port_22_of_somebodys_has_no_say(host: SshHost) -> None:
    host.sh(f"printf 'Port 22\\nPasswordAuthentication yes\\n' > {OTHER}")
    state = host.apply("2200")
    assert (host.ports, host.drift(state)) == ({"2200"}, {})
    assert "passwordauthentication no" in host.sh("sshd -T")


BY_HAND = {
    "the drop-in": ("echo '# mine' >> /etc/ssh/sshd_config.d/00-twin-vpc.conf", "settings", "# mine"),
    "a second port in a file": (f"echo 'ListenAddress 0.0.0.0:22' > {OTHER}", "state", f"({OTHER} line 1:"),
    "a second sshd": ("systemd-run -q --collect --unit=second /usr/sbin/sshd -D -f /dev/null -p 22", "state",
                      "sshd listens on 22 too (process"),
}  # fmt: skip


def test_what_was_changed_by_hand_is_named(host: SshHost) -> None:
    state = host.apply("2200")
    assert host.drift(state) == {}, "a quiet host shows no drift"
    for command, name, said in BY_HAND.values():
        host.sh(command)
        if "systemd-run" in command:
            wait_for("the second sshd", lambda: host.ports == {"2200", "22"})
        found = host.drift(state)
        assert set(found) == {name}, found
        assert said in str(found[name])
        host.sh(f"rm -f {OTHER}; systemctl stop second 2>/dev/null || true")
        state = host.apply("2200")
        assert host.drift(state) == {}
    host.sh("rm /etc/ssh/sshd_config.d/00-twin-vpc.conf")
    assert host.read(state).resource_id is None


def test_a_run_killed_before_it_confirmed_is_taken_back(host: SshHost) -> None:
    state = host.apply("2200")
    host.settings["confirmSeconds"] = str(SECONDS)
    host.worker = UNCONFIRMED
    with pytest.raises(HostError, match="helper process that runs pyinfra ended early"):
        host.apply("2299")
    assert not gets_in(host), "the control: it was in force"
    wait_for("the host to take it back", lambda: gets_in(host))
    host.worker = SshHost(host.world).worker
    assert host.drift(state) == {}
    assert host.sh("ls /run | grep twin-vpc- || true") == ""
    host.apply("2200")
    assert nothing_waits(host)


def test_a_reboot_before_the_confirmation_takes_it_back(host: SshHost) -> None:
    state = host.apply("2200")
    host.settings["confirmSeconds"] = "3600"  # the timer is out of the game
    host.worker = UNCONFIRMED
    with pytest.raises(HostError):
        host.apply("2299")
    assert not gets_in(host), "the control: it was in force"
    host.world = dell.reboot(host.world)  # waits for a login from the laptop
    host.worker = SshHost(host.world).worker
    assert host.drift(state) == {}
    host.settings["confirmSeconds"] = "90"
    host.apply("2200")
    assert nothing_waits(host)


def test_without_the_armed_rollback_the_host_stays_cut_off(host: SshHost) -> None:
    """The negative control of all above."""
    host.apply("2200")
    host.settings["confirmSeconds"] = str(SECONDS)
    host.worker = UNARMED
    with pytest.raises(HostError):
        host.apply("2299")
    in_dell(host.world, "sleep", str(SECONDS + 2))
    assert not gets_in(host)
    host.sh("rm /etc/ssh/sshd_config.d/00-twin-vpc.conf; systemctl reload ssh")


def test_a_confirmation_by_the_old_session_would_prove_nothing(host: SshHost) -> None:
    """The negative control of the new login: the session that installed the settings lives on."""
    host.apply("2200")
    host.worker = OLD_SESSION
    host.apply("2200", more=NO_KEYS)
    assert nothing_waits(host)
    assert not gets_in(host)
    host.sh("rm /etc/ssh/sshd_config.d/00-twin-vpc.conf; systemctl reload ssh")


def test_a_removal_that_would_cut_the_owner_off_is_refused_or_taken_back(host: SshHost) -> None:
    state = host.apply("2200", more="AuthorizedKeysFile .ssh/authorized_keys\n")
    before = host.drop_in
    host.sh("sed -i 's/^Port /#Port /' /etc/ssh/sshd_config.d/10-sandbox.conf")
    with pytest.raises(HostError, match=r"nothing was changed: without .* would listen on 22, not on 2200"):
        host.delete(state)
    host.sh(f"sed -i 's/^#Port /Port /' /etc/ssh/sshd_config.d/10-sandbox.conf; echo '{NO_KEYS}' > {OTHER}")
    host.settings["confirmSeconds"] = str(SECONDS)
    with pytest.raises(HostError, match="the change was taken back"):
        host.delete(state)
    assert gets_in(host)
    assert host.drop_in == before
    assert host.drift(state) == {}
    host.settings["confirmSeconds"] = "90"
    host.sh(f"rm {OTHER}")
    host.delete(state)
    assert (host.drop_in, host.ports) == ("", {"2200"})
    host.delete(state)  # a second removal finds nothing and is no error


SELINUX = r"""
printf '#!/bin/sh\nexit 0\n' > /usr/sbin/selinuxenabled
cat > /usr/sbin/semodule <<'END'
#!/bin/sh
case $1 in
-l) cat /run/semodule.list ;;
-i) cat "$2" >>/run/semodule.log && basename "$2" .cil >>/run/semodule.list ;;
-r) sed -i "/^$2$/d" /run/semodule.list ;;
esac
END
: > /run/semodule.list; chmod +x /usr/sbin/selinuxenabled /usr/sbin/semodule
"""
"""Stand-ins that keep a list of modules, as SELinux's own would."""


def test_ports_get_their_selinux_label_before_sshd_wants_them_and_lose_it_afterwards(host: SshHost) -> None:
    """Emulated: no SELinux here."""
    host.sh(SELINUX)
    try:
        host.apply("2200")
        assert "(portcon tcp 2200 (system_u object_r ssh_port_t" in host.sh("cat /run/semodule.log")
        host.settings["confirmSeconds"] = str(SECONDS)
        with pytest.raises(HostError, match="the change was taken back"):
            host.apply("2299")
        assert host.sh("cat /run/semodule.list").split() == ["twin-vpc-ssh-2200", "twin-vpc-ssh-2299"]
        host.settings["confirmSeconds"] = "90"
        host.apply("2200", more=GOOD)
        assert host.sh("cat /run/semodule.list").split() == ["twin-vpc-ssh-2200"], "the next change takes it away"
    finally:
        host.sh("rm -f /usr/sbin/selinuxenabled /usr/sbin/semodule /run/semodule.*")
