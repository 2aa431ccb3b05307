"""Golden files: what is rendered for people or machines, compared byte by byte."""

import os
from pathlib import Path

FRESH = "UPDATE_GOLDEN"
"""With this variable set the files are written anew, for a look at the difference; the test fails all the same."""


def check(path: Path, text: str) -> None:
    """The file holds exactly this text."""
    if os.environ.get(FRESH):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        raise AssertionError(f"{path.name} was written anew: look at the difference")
    assert path.is_file(), f"there is no {path.name}: run with {FRESH}=1"
    assert path.read_bytes() == text.encode(), f"{path.name} differs: run with {FRESH}=1 and look at the difference"
