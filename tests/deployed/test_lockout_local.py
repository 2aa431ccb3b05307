"""Pulumi on the host itself: who came by SSH can be cut off like anybody else, who sits there cannot (N9)."""

import time
from collections.abc import Iterator
from threading import Thread

import pytest

from providers.host.errors import HostError
from sandbox import dell
from sandbox.command import CommandError
from sandbox.dell.container import nsenter
from sandbox.dell.site import Site
from sandbox.dell.world import World, in_dell, ssh
from sandbox.paths import checkout_id, content_key
from tests.deployed.test_lockout import CUT_NEW
from tests.providers.host import Host
from tests.providers.samples import inputs
from tests.providers.worker import patched

pytestmark = pytest.mark.sandbox

SITE = Site(content_key(checkout_id(), "lockout-local")[:8])
SECONDS = 20
CONFIRM = "sh /var/lib/twin-vpc-guard/policy/guard confirm policy"


def worker(world: World, *, by_ssh: bool) -> tuple[str, ...]:
    """A worker on the host itself: what it runs, runs there, without SSH."""
    return patched(
        "from providers.host import deploy, session\n"
        f"session.came_by_ssh = lambda: {by_ssh}\n"
        "plain = deploy.StringCommand\n"
        f"deploy.StringCommand = lambda *words, **rest: plain(*{nsenter(world.dell_pid)!r}, *words, **rest)"
    )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    dell.down(SITE)
    yield dell.up(SITE)
    dell.down(SITE)


@pytest.fixture
def host(world: World) -> Iterator[Host]:
    here = Host(dell.current(Site(world.id)))
    here.worker = worker(world, by_ssh=False)
    here.settings = {"address": "local", "confirmSeconds": str(SECONDS)}
    yield here
    here.worker = worker(world, by_ssh=False)
    here.delete(inputs())


def gets_in(host: Host) -> bool:
    try:
        return ssh(host.world, "echo", "in") == "in\n"
    except CommandError:
        return False


def test_a_change_that_cuts_off_who_came_by_ssh_is_taken_back(host: Host) -> None:
    state = host.create()
    host.worker = worker(host.world, by_ssh=True)
    with pytest.raises(HostError, match=rf"the change was taken back.*nobody who had logged in anew ran `{CONFIRM}`"):
        host.update(state, ruleset=CUT_NEW)
    assert gets_in(host)
    host.worker = worker(host.world, by_ssh=False)
    assert host.drift(state) == {}


def test_who_sits_at_the_host_confirms_by_being_there(host: Host) -> None:
    """Also the negative control of the test above: without a witness the same change stays."""
    state = host.create()
    host.update(state, ruleset=CUT_NEW)
    assert not gets_in(host)
    host.sh("nft delete table inet twin_vpc_host")


def test_a_good_change_stays_once_a_new_login_has_said_so_and_no_other_word_counts(host: Host) -> None:
    said: list[str] = []

    def confirm() -> None:
        armed = "test -e /var/lib/twin-vpc-guard/policy/armed && echo yes || true"
        while in_dell(host.world, "sh", "-c", armed) != "yes\n":
            time.sleep(0.2)
        time.sleep(2)  # a login of the same second would be doubted
        for way in (in_dell, ssh):
            words = ("sh", "-c", CONFIRM) if way is in_dell else (CONFIRM,)
            try:
                said.append(way(host.world, *words))
            except CommandError as error:
                said.append(error.output)

    state = host.create()
    host.worker = worker(host.world, by_ssh=True)
    witness = Thread(target=confirm)
    witness.start()
    state = host.update(state, sysctl="net.ipv4.ip_forward = 1\n")
    witness.join()
    assert "this proves nothing" in said[0], "no SSH session at all"
    assert said[1:] == ["confirmed\n"]
    host.worker = worker(host.world, by_ssh=False)
    assert host.drift(state) == {}
    assert host.sh("ls -d /var/lib/twin-vpc* /etc/twin-vpc-before* 2>/dev/null || true") == ""
