"""The networks whose walls are broken."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import ROOT


@dataclass(frozen=True)
class Subject:
    """A network to break.

    Attributes:
        title: for people.
        folder: its files.
    """

    title: str
    folder: Path


SUBJECTS: Mapping[str, Subject] = {
    "owner": Subject("The owner's network", ROOT),
    "everything": Subject(
        "A network in which every rule decides something", ROOT / "tests" / "fixtures" / "everything"
    ),
}
"""By the names that survivors.yaml uses."""
