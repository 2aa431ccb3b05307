"""Which tests run where: on a laptop without root the sandbox is left out with the reason, under CI nothing is."""

import os
import sys

import pytest

NEEDS_ROOT = ("sandbox", "root")


def why_not() -> str:
    """Why tests that need root cannot run here; empty if they can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux network namespaces"
    return "" if os.geteuid() == 0 else "needs root, for network namespaces and the sandbox host"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not()
    if not reason:
        return
    if os.environ.get("CI") == "true":
        pytest.exit(f"CI runs every test, but this machine cannot: it {reason}", returncode=3)
    for item in items:
        if any(item.get_closest_marker(name) for name in NEEDS_ROOT):
            item.add_marker(pytest.mark.skip(reason=reason))
