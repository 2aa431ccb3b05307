"""The host's root tree: Debian 12 with libvirt, Docker and firewalld, built once per recipe."""

from pathlib import Path

from sandbox import debian
from sandbox.command import progress
from sandbox.dell.packages import IMAGE_PACKAGES
from sandbox.paths import cache_dir, content_key

_RECIPE = "1"
"""Raised by hand when the steps in `sandbox/debian.py` change what the tree holds."""


def folder() -> Path:
    """Where trees of all recipes are kept."""
    return cache_dir() / "host"


def tree() -> Path:
    """Where this recipe's tree is, built or not."""
    return folder() / content_key(_RECIPE, debian.SUITE, debian.DPKG, debian.INSTALL, *IMAGE_PACKAGES)


def ensure() -> Path:
    """Build the root tree if it is not there, and return it. It must never be written to afterwards.

    Raises:
        CommandError: a step failed; the message holds the end of its output. The next call starts again.
    """
    return debian.kept(tree(), _build)


def _build(root: Path) -> None:
    progress("building the host's image, once for all checkouts (2 to 4 minutes)")
    debian.install(root, IMAGE_PACKAGES)
