"""Which tests run where: on a laptop without root the sandbox is left out with the reason, under CI nothing is.

`make test` uses two processes: one for all that needs a sandbox, namespaces, the engine or a scanner, in its order, the
other for the rest. Sandboxes would not disturb each other, but two at once are slow here, and pulumi-libvirt's stream
of a seed (go-libvirt) then breaks off more often than on a quiet machine.
"""

import os
import sys
from pathlib import Path

import pytest

NEEDS_ROOT = ("sandbox", "root")
IN_ORDER = (*NEEDS_ROOT, "engine", "checkov", "prowler")
"""Markers of tests that run one after another."""

GROUP = "in-order"
"""Their group for pytest-xdist, which ends each one's name."""

SLOW = ("aws", "graph", "proof/aws")
"""Folders of what needs neither root nor engine, and would not fit into the minute of `make test-fast` all the same."""

SLOW_FILES = "test_aws_"
"""How files begin of which the same is true, in other folders; single tests carry the marker themselves."""

_HERE = Path(__file__).parent


def why_not() -> str:
    """Why tests that need root cannot run here; empty if they can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux network namespaces"
    return "" if os.geteuid() == 0 else "needs root, for network namespaces and the sandbox host"


def in_order(item: pytest.Item) -> bool:
    """Whether a test runs in the process that runs its tests one after another."""
    return any(item.get_closest_marker(name) for name in IN_ORDER)


# Item by item: pytest-xdist reads the groups in `pytest_collection_modifyitems`, before this file's.
def pytest_itemcollected(item: pytest.Item) -> None:
    if in_order(item):
        item.add_marker(pytest.mark.xdist_group(GROUP))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.relative_to(_HERE).as_posix() in SLOW or item.path.name.startswith(SLOW_FILES):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not in_order(item))  # a stable sort: the long queue begins first
    reason = why_not()
    if not reason:
        return
    if os.environ.get("CI") == "true":
        pytest.exit(f"CI runs every test, but this machine cannot: it {reason}", returncode=3)
    for item in items:
        if any(item.get_closest_marker(name) for name in NEEDS_ROOT):
            item.add_marker(pytest.mark.skip(reason=reason))
