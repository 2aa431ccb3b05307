"""Which tests run where: on a laptop without root the sandbox is left out with the reason, under CI nothing is.

`make test` runs on two processors at once. Tests that share a sandbox stay together, in their order; whoever has one of
its own is a group by itself. Sandboxes know nothing of each other, so groups do not disturb each other either.
"""

import os
import sys
from pathlib import Path

import pytest

NEEDS_ROOT = ("sandbox", "root")
ALONE = (*NEEDS_ROOT, "engine")
"""Markers of tests whose module shares something that is made once."""

OWN_SANDBOX = frozenset(
    {"brownfield", "drift", "events", "lockout", "lockout_local", "lockout_sshd", "machines", "main_job"}
)
"""Modules of tests/deployed that bring up a sandbox of their own; all others share one."""

_HERE = Path(__file__).parent


def why_not() -> str:
    """Why tests that need root cannot run here; empty if they can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux network namespaces"
    return "" if os.geteuid() == 0 else "needs root, for network namespaces and the sandbox host"


def group(item: pytest.Item) -> str:
    """With whom a test stays together; empty for one that can run anywhere."""
    if not any(item.get_closest_marker(name) for name in ALONE):
        return ""
    folder, module = item.path.relative_to(_HERE).parts[0], item.path.stem.removeprefix("test_")
    if folder in {"sandbox", "providers"} or (folder == "deployed" and module not in OWN_SANDBOX):
        return folder
    return f"{folder}-{module}"


# Before pytest-xdist looks for groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = {item: group(item) for item in items}
    for item, name in groups.items():
        if name:
            item.add_marker(pytest.mark.xdist_group(name))
    # What takes longest begins first; a stable sort, so that nothing changes its place within a group.
    items.sort(key=lambda item: (groups[item] != "deployed", not groups[item].startswith("deployed"), not groups[item]))
    reason = why_not()
    if not reason:
        return
    if os.environ.get("CI") == "true":
        pytest.exit(f"CI runs every test, but this machine cannot: it {reason}", returncode=3)
    for item in items:
        if any(item.get_closest_marker(name) for name in NEEDS_ROOT):
            item.add_marker(pytest.mark.skip(reason=reason))
