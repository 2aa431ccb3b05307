"""The LAN's namespaces on a machine that never had a named one, played by a mount namespace with an empty /run."""

import sys

import pytest

from sandbox.command import run
from sandbox.paths import ROOT

pytestmark = pytest.mark.root

ONE_AFTER_THE_OTHER = """
from pathlib import Path
from sandbox.command import run
from sandbox.dell import lan, mounts
from sandbox.dell.site import NETNS_FOLDER, Site

one, two, guest = Site("aaaaaaa1"), Site("aaaaaaa2"), Site("aaaaaaa3")
assert NETNS_FOLDER not in mounts.points()
lan.create(one)
assert NETNS_FOLDER in mounts.points()
lan.create(two)
lan.remove(one)
assert not one.namespaces()
assert two.namespaces(), "removing one removed the other's"
assert NETNS_FOLDER in mounts.points(), "the second still needs the mount"
lan.remove(two)
print("mounts", [str(p) for p in mounts.points() if p.is_relative_to("/run") and p != Path("/run")])
known = (NETNS_FOLDER, Path("/run/mount"))  # the second is umount's own
print("files", [str(p) for p in Path("/run").rglob("*") if p not in known])

run("ip", "netns", "add", "somebody")
lan.create(one)
lan.remove(one)
print("kept", NETNS_FOLDER in mounts.points(), [p.name for p in NETNS_FOLDER.iterdir()])
"""


EMPTY_RUN = """
set -e
! mountpoint -q /run/netns || umount --recursive --lazy /run/netns
mount -t tmpfs tmpfs /run
exec "$@"
"""


def test_iproute2s_mount_goes_with_the_last_sandbox_and_stays_for_somebody_elses_namespace() -> None:
    alone = ("unshare", "--mount", "--propagation=private", "sh", "-c", EMPTY_RUN, "sh")
    said = run(*alone, sys.executable, "-c", ONE_AFTER_THE_OTHER, cwd=ROOT)
    assert said.splitlines() == ["mounts []", "files []", "kept True ['somebody']"]
