"""Tests that share the checkout's sandbox run in one process, one after another."""

import os

import pytest


@pytest.mark.engine
def test_tests_that_share_a_sandbox_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """pytest-xdist knows a group by the end of a test's name; without it two workers would build one sandbox twice."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@in-order")


def test_other_tests_run_beside_them(request: pytest.FixtureRequest) -> None:
    assert not request.node.nodeid.endswith("@in-order")
