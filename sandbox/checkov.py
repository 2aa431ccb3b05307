"""The scanner checkov, in an environment of its own: its pins clash with ours."""

import os
import sys
from pathlib import Path

from sandbox.command import progress, run
from sandbox.debian import kept
from sandbox.paths import ROOT, cache_dir, content_key

REQUIREMENTS = ROOT / "requirements-checkov.txt"
_HOME = "home"


def environment() -> Path:
    """Where the environment for these pins is, made or not."""
    key = content_key(f"{sys.version_info.major}.{sys.version_info.minor}", REQUIREMENTS.read_bytes())
    return cache_dir() / "checkov" / key


def ensure() -> Path:
    """Make the environment if it is not there, and return it.

    Raises:
        CommandError: a package could not be had; the message holds the end of pip's output.
    """
    environment().parent.mkdir(parents=True, exist_ok=True)
    return kept(environment(), _build)


def _build(folder: Path) -> None:
    progress("checkov: making its environment, once for all checkouts (about a minute)")
    run(sys.executable, "-m", "venv", folder)
    # Programs in it name the folder it was made in; nothing but its Python is used.
    pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", REQUIREMENTS, timeout=1800)
    (folder / _HOME).mkdir()


def scan(folder: Path) -> str:
    """Have checkov look at everything below a folder, and return its JSON report. It asks nobody over the network.

    Args:
        folder: Terraform files in native syntax, those of one export in a folder of their own.

    Raises:
        CommandError: checkov could not be run.
    """
    made = ensure()
    # Not one of our settings, nor the vendor's: BC_…, CKV_…, PRISMA_… may name accounts.
    bare = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(made / _HOME), "LANG": "C.UTF-8"}
    words = ("-m", "checkov.main", "--directory", folder, "--framework", "terraform", "--output", "json")
    # A failed check is no failure of checkov's.
    return run(made / "bin/python", *words, "--compact", "--skip-download", "--soft-fail", env=bare, timeout=300)
