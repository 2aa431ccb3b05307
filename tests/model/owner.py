"""The owner's own files, with changes, in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path

from twinvpc.model.files import load_stack
from twinvpc.model.load import Intent

ROOT = Path(__file__).parents[2]
NETWORK, DELL, AWS = "network.yaml", "Pulumi.dell.yaml", "Pulumi.aws.yaml"
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in (NETWORK, DELL, AWS)}


def lay_out(folder: Path, changed: Mapping[str, str | bytes]) -> Path:
    """Write the owner's files with some of them changed."""
    for name, text in (TEXTS | dict(changed)).items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def load_with(folder: Path, changed: Mapping[str, str | bytes], stack: str = "dell") -> Intent:
    """Load a stack from the owner's files with some of them changed."""
    return load_stack(lay_out(folder, changed), stack)


def edited(file: str, old: str, new: str) -> str:
    """One of the owner's files with one passage replaced; the passage must stand there once."""
    text = TEXTS[file]
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    return text.replace(old, new)
