"""Tests that share a sandbox run in one process, and whoever has one of its own is known."""

import re
from pathlib import Path

import pytest

from tests.conftest import OWN_SANDBOX, group

DEPLOYED = Path(__file__).parents[1] / "deployed"


def test_modules_with_a_sandbox_of_their_own_are_those_that_name_one() -> None:
    texts = {path.stem.removeprefix("test_"): path.read_text() for path in DEPLOYED.glob("test_*.py")}
    assert {name for name, text in texts.items() if re.search(r"^SITE = ", text, re.MULTILINE)} == OWN_SANDBOX


def test_this_test_runs_anywhere(request: pytest.FixtureRequest) -> None:
    assert group(request.node) == ""


def test_every_module_on_the_deployed_stack_says_that_it_needs_the_sandbox() -> None:
    """One without the marker would run beside the others, on a host that they change."""
    for path in DEPLOYED.glob("test_*.py"):
        assert "pytest.mark.sandbox" in path.read_text(), path
