"""nft itself takes every ruleset, checked in a network namespace of its own."""

import subprocess

import pytest
from hypothesis import given

from tests.effort import tries
from tests.policy.networks import CHANGED, MACHINES, OWNER, PORTS, UPLINKS, Case, cases, meshed

pytestmark = pytest.mark.root


def verdict(ruleset: str) -> str:
    """What `nft -c` says of a ruleset; nothing if it takes it."""
    argv = ["unshare", "--net", "nft", "--check", "--file", "-"]
    done = subprocess.run(argv, input=UPLINKS + ruleset, text=True, capture_output=True, check=False, timeout=300)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("case", [OWNER, PORTS, CHANGED, MACHINES], ids=["owner", "ports", "changed", "machines"])
def test_nft_takes_the_golden_rulesets(case: Case) -> None:
    assert not verdict(case.ruleset)


@tries(60)
@given(cases())
def test_nft_takes_every_ruleset(case: Case) -> None:
    assert not verdict(case.ruleset)


def test_nft_takes_five_hundred_segments() -> None:
    """nft's own time grows faster than its sets do, so each segment opens to ten others and not to all."""
    assert not verdict(meshed(500, reach=10).ruleset)


def test_nft_refuses_a_ruleset_that_is_wrong() -> None:
    """The negative control: the check really checks."""
    assert "unknown_set" in verdict(
        OWNER.ruleset.replace("iifname . oifname @leave_any", "iifname . oifname @unknown_set")
    )
    assert verdict(OWNER.ruleset.replace("@same_segment accept", "@same_segment acept", 1))
