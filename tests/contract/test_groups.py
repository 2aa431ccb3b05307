"""Tests that share a sandbox run in one process, one after another."""

from pathlib import Path

import pytest

from tests.conftest import in_order

DEPLOYED = Path(__file__).parents[1] / "deployed"


def test_this_test_runs_anywhere(request: pytest.FixtureRequest) -> None:
    assert not in_order(request.node)


def test_every_module_on_the_deployed_stack_says_that_it_needs_the_sandbox() -> None:
    """One without the marker would run beside the others, on a host that they change."""
    for path in DEPLOYED.glob("test_*.py"):
        assert "pytest.mark.sandbox" in path.read_text(), path
