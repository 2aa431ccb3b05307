"""The scanner checkov, in an environment of its own: its pins clash with ours."""

import tempfile
from pathlib import Path

from sandbox import pinned
from sandbox.command import run
from sandbox.paths import ROOT

REQUIREMENTS = ROOT / "requirements-checkov.txt"


def environment() -> Path:
    """Where the environment for these pins is, made or not."""
    return pinned.environment("checkov", REQUIREMENTS)


def ensure() -> Path:
    """Make the environment if it is not there, and return it.

    Raises:
        CommandError: a package could not be had; the message holds the end of the installer's output.
    """
    return pinned.ensure("checkov", REQUIREMENTS)


def scan(folder: Path) -> str:
    """Have checkov look at everything below a folder, and return its JSON report. It asks nobody over the network.

    Args:
        folder: Terraform files in native syntax, those of one export in a folder of their own.

    Raises:
        CommandError: checkov could not be run.
    """
    made = ensure()
    # Not one of our settings, nor the vendor's: BC_…, CKV_…, PRISMA_… may name accounts.
    words = ("-m", "checkov.main", "--directory", folder, "--framework", "terraform", "--output", "json")
    # A failed check is no failure of checkov's.
    words = (*words, "--compact", "--skip-download", "--soft-fail")
    with tempfile.TemporaryDirectory() as home:
        return run(made / "bin/python", *words, env=pinned.bare(Path(home)), timeout=300)
