"""JSON Schemas as files."""

from pathlib import Path

from twinvpc.schema.generate import FILES

FOLDER = "schemas"
"""Where the schemas lie in the project; the first lines of the owner's files name them there."""


def stale(root: Path) -> tuple[str, ...]:
    """Names of the schemas that are missing, or are not what the models say."""
    folder = root / FOLDER
    return tuple(name for name, text in FILES.items() if not _holds(folder / name, text()))


def write_schemas(root: Path) -> tuple[str, ...]:
    """Write those that are stale, and tell which.

    Raises:
        OSError: a file cannot be written.
    """
    names = stale(root)
    for name in names:
        (root / FOLDER).mkdir(exist_ok=True)
        (root / FOLDER / name).write_text(FILES[name](), encoding="utf-8")
    return names


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
