"""`make up`, `make matrix` and `make down` as their user runs them, on a sandbox of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sandbox import dell, engine
from sandbox.aws import stack
from sandbox.dell import cgroup
from sandbox.dell.site import Site
from sandbox.measure import take_baseline
from sandbox.paths import ROOT, checkout_id
from sandbox.project import STACK, project
from tests.aws.hand import by_hand
from tests.sandbox.outer import snapshot, traces

pytestmark = pytest.mark.sandbox

SITE = Site(f"m{checkout_id()[:7]}")
GATE = "✓ intent = graph = account (aws), intent = packets (dell)"


def job(*argv: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "sandbox", *argv]
    env = os.environ | {"TWIN_VPC_ID": SITE.id}
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def clean_machine() -> Iterator[dict[str, list[str]]]:
    dell.down(SITE)
    yield snapshot(SITE)
    dell.down(SITE)
    shutil.rmtree(SITE.state)


def test_up_twice_measure_and_down_leaves_nothing_behind(clean_machine: dict[str, list[str]]) -> None:
    first = job("up")
    assert first.returncode == 0, first.stdout + first.stderr
    for words in (
        "engine:",
        "+ 16 created",
        "+ 83 created",
        "✓ every cell is as intended",
        GATE,
        "What to look at next",
    ):
        assert words in first.stdout
    assert "Traceback" not in first.stdout + first.stderr
    second = job("up")
    assert second.returncode == 0, second.stdout + second.stderr
    for words in ("16 unchanged", "83 unchanged", GATE):
        assert words in second.stdout
    assert not any(word in second.stdout for word in ("created", "updated", "deleted", "replaced"))
    laid = project(dell.current(SITE), engine.ensure())
    for there, name in ((laid, STACK), (stack.on_account(laid), stack.STACK)):
        there.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", name)
    measured = json.loads(job("matrix", "--json").stdout)
    assert measured["equal"]
    assert {one["intended"] == one["measured"] for one in measured["tries"]} == {True}
    assert job("down").returncode == 0
    assert snapshot(SITE) == clean_machine
    assert traces(SITE) == []
    assert cgroup.groups(SITE.machine) == []
    left = {path.name for path in SITE.state.iterdir()}
    assert left <= {"lock", "home"}


def test_up_after_a_killed_run_heals_by_itself(clean_machine: dict[str, list[str]]) -> None:
    assert clean_machine
    world = dell.up(SITE)
    take_baseline(world)
    process = project(world, engine.ensure()).start("up", "--yes", "--skip-preview", "--stack", STACK)
    while "br-" not in dell.in_dell(world, "ls", "/sys/class/net"):
        assert process.poll() is None, process.communicate()[0]
    process.kill()
    process.communicate(timeout=30)
    healed = job("up")
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert f"pid {process.pid}, since" in healed.stderr, "whose lock was taken away"
    assert "✓ every cell is as intended" in healed.stdout


def test_a_differing_cell_ends_with_exit_code_one_and_its_name(clean_machine: dict[str, list[str]]) -> None:
    assert clean_machine
    assert job("up").returncode == 0
    by_hand(SITE, "open")
    asked = job("up")
    assert asked.returncode == 1
    assert "✗ aws: container → database: intended –, account tcp/5432" in asked.stdout
    assert "✓ intent = packets (dell)" in asked.stdout
    assert "What to look at next" not in asked.stdout
    by_hand(SITE, "close")
    widened = (
        'add element inet twin_vpc leave_any { "br-container" . "br-private" }\n'
        'add element inet twin_vpc enter_any { 10.0.4.0/24 . "br-private" }\n'
    )
    dell.in_dell(dell.current(SITE), "nft", "-f", "-", stdin=widened)
    shown = job("matrix")
    assert shown.returncode == 1
    assert "container → private tcp/41999: intended closed, measured open" in shown.stdout
    spoken = job("matrix", "--json")
    assert spoken.returncode == 1
    assert not json.loads(spoken.stdout)["equal"]


def test_without_a_sandbox_the_way_out_is_named(clean_machine: dict[str, list[str]]) -> None:
    assert clean_machine
    asked = job("matrix")
    assert asked.returncode == 2
    assert "make up" in asked.stderr
    assert "Traceback" not in asked.stderr
