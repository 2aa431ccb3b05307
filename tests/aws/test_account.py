"""The account as `make up` keeps it: one process on the laptop, and a state of stack `aws` that speaks of no other.

The LAN of a sandbox is enough for it; no host is booted.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from types import MappingProxyType

import pytest

from sandbox import dell
from sandbox.aws import lifecycle, stack
from sandbox.aws.lifecycle import NAME, PORT
from sandbox.command import CommandError, run
from sandbox.dell import cgroup, daemon, lan
from sandbox.dell.site import LAPTOP, Site
from sandbox.dell.world import Place, World
from sandbox.engine import ensure
from sandbox.paths import ROOT, checkout_id, content_key
from sandbox.project import Project, project
from tests.aws.hand import by_hand
from tests.sandbox.outer import snapshot, traces

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

UP = ("up", "--yes", "--skip-preview", "--stack", stack.STACK)


@pytest.fixture
def site() -> Iterator[Site]:
    """A sandbox without a host."""
    here = Site(content_key("account", checkout_id())[:8])
    dell.down(here)
    before = snapshot(here)
    lan.create(here)
    here.state.mkdir(parents=True, exist_ok=True)
    yield here
    dell.down(here)
    left = {path.name for path in here.state.iterdir()}
    shutil.rmtree(here.state)
    assert traces(here) == []
    assert cgroup.groups(here.machine) == []
    assert snapshot(here) == before
    assert left <= {"lock", "home", "project"}, "the account left files"


@pytest.fixture
def laid(site: Site) -> Project:
    laptop = Place("laptop", site.netns_path("laptop"), LAPTOP)
    world = World(site.id, site.state, 0, MappingProxyType({"laptop": laptop}), site.key, site.known_hosts)
    return project(world, ensure())


def asked(site: Site, operation: str) -> int:
    """How often the stand-in has asked something of the account."""
    log = site.account / "requests.jsonl"
    return log.read_text().count(f'"operation": "{operation}"') if log.exists() else 0


def kill(site: Site) -> None:
    pid = daemon.running(site, NAME)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while daemon.running(site, NAME):
        time.sleep(0.02)


def test_it_is_started_once_and_stays(site: Site) -> None:
    first = lifecycle.ensure(site)
    by_hand(site, "make-vpc")
    assert lifecycle.ensure(site) == first
    assert "10.77.0.0/16" in by_hand(site, "blocks")


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_one_that_is_gone_is_followed_by_another_which_is_empty(site: Site, how: str) -> None:
    first = lifecycle.ensure(site)
    by_hand(site, "make-vpc")
    kill(site) if how == "killed" else lifecycle.end(site)
    assert daemon.running(site, NAME) is None
    assert lifecycle.ensure(site) != first
    assert "10.77.0.0/16" not in by_hand(site, "blocks")


def test_it_is_the_laptops_alone(site: Site) -> None:
    lifecycle.ensure(site)
    knock = f"import socket, sys; socket.create_connection((sys.argv[1], {PORT}), 5)"

    def knocks(place: str, address: str) -> None:
        run("nsenter", f"--net={site.netns_path(place)}", sys.executable, "-c", knock, address, timeout=30)

    knocks("laptop", "127.0.0.1")
    for place, address in (("nas", "127.0.0.1"), ("nas", str(LAPTOP)), ("internet", str(LAPTOP))):
        with pytest.raises(CommandError, match="refused"):
            knocks(place, address)


def test_a_second_one_ends_by_itself(site: Site) -> None:
    """As when two runs start one at the same time: the port decides."""
    first = lifecycle.ensure(site)
    words = ("nsenter", f"--net={site.netns_path('laptop')}", sys.executable, "-m", "sandbox.aws.account", site.id)
    second = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode != 0
    assert "Address already in use" in second.stderr
    assert lifecycle.ensure(site) == first


def test_down_takes_it_away_with_its_files(site: Site) -> None:
    lifecycle.ensure(site)
    assert [one for one in traces(site) if "sandbox.aws.account" in one], "the control: it would show"
    assert site.account.exists()
    dell.down(site)
    assert traces(site) == []
    assert not site.account.exists()
    assert not list(site.state.glob(f"{NAME}.*"))


@pytest.mark.engine
def test_both_runs_of_make_up_and_the_death_of_the_account(
    site: Site, laid: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    there = stack.on_account(laid)
    assert stack.up(there) == "+ 83 created"
    assert stack.differences(there, ROOT) == ()
    again = stack.on_account(laid)
    again.pulumi(*UP, "--expect-no-changes")
    assert stack.up(again) == "83 unchanged"
    assert capsys.readouterr().out == ""
    kill(site)
    with pytest.raises(CommandError, match="the account does not say what stands there"):
        stack.differences(again, ROOT)
    anew = stack.on_account(laid)
    assert "the account is a new one and empty" in capsys.readouterr().out
    assert stack.up(anew) == "+ 83 created"
    assert stack.differences(anew, ROOT) == ()


@pytest.mark.engine
def test_a_rule_that_somebody_added_is_named_by_its_cell_until_it_is_gone(site: Site, laid: Project) -> None:
    there = stack.on_account(laid)
    stack.up(there)
    assert stack.differences(there, ROOT) == ()
    by_hand(site, "open")
    assert stack.up(there) == "83 unchanged", "nobody told Pulumi"
    told = stack.differences(there, ROOT)
    assert "container → database: intended –, account tcp/5432" in told
    assert any(one.startswith("account: security group groups-database") for one in told)
    by_hand(site, "close")
    assert stack.differences(there, ROOT) == ()


@pytest.mark.engine
def test_a_run_that_was_killed_is_begun_anew_and_a_living_one_is_left_alone(
    site: Site, laid: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    there = stack.on_account(laid)
    mark = lifecycle.ensure(site)
    process = there.start(*UP)
    while asked(site, "CreateSubnet") < 3:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    with pytest.raises(dell.SandboxError, match=r"stack aws is locked by .* still running"):
        stack.on_account(laid)
    assert lifecycle.ensure(site) == mark
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    healed = stack.on_account(laid)
    assert "a run was broken off, so its account is thrown away" in capsys.readouterr().out
    assert stack.up(healed) == "+ 83 created"
    assert stack.differences(healed, ROOT) == ()
