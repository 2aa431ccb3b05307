"""Environments of others' programs, each by itself because its pins clash with ours, made once for all checkouts."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.command import progress, run
from sandbox.debian import kept
from sandbox.paths import cache_dir, content_key


def environment(name: str, requirements: Path) -> Path:
    """Where the environment for these pins is, made or not.

    Args:
        name: the program's name, and that of its folder in the cache.
        requirements: its pins with hashes.
    """
    key = content_key(f"{sys.version_info.major}.{sys.version_info.minor}", requirements.read_bytes())
    return cache_dir() / name / key


def ensure(name: str, requirements: Path) -> Path:
    """Make the environment if it is not there, and return it; it must never be written to.

    Args:
        name: the program's name.
        requirements: its pins with hashes.

    Raises:
        CommandError: a package could not be had; the message holds the end of the installer's output.
    """
    made = environment(name, requirements)
    made.parent.mkdir(parents=True, exist_ok=True)

    def build(folder: Path) -> None:
        progress(f"{name}: making its environment, once for all checkouts (about a minute)")
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        # Programs in it name the folder it was made in; nothing but its Python is used.
        uv = (Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", folder / "bin/python")
        run(*uv, "--require-hashes", "-r", requirements, timeout=1800)

    return kept(made, build)


def bare(home: Path) -> Mapping[str, str]:
    """An environment without one of our settings: no account, no proxy, nothing of a vendor's.

    Args:
        home: folder that the program takes for its user's.
    """
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}
