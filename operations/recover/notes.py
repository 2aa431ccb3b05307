"""Notes that Pulumi's local backend keeps beside the state, and what a kill makes of them.

Beside each file lies `<file>.attrs`, with its type and checksum. The state itself is replaced at once; its note is
written in place (gocloud.dev, blob/fileblob/attrs.go), so a kill can leave half of one. Then nothing reads the state
any more ("failed to load checkpoint: EOF"), although it is whole. Without a note it is read as it is.
"""

import json
from pathlib import Path


def folder(locks: Path) -> Path:
    """Where the states of a project lie, from where its locks do: `.pulumi/locks/organization/<project>/<stack>`."""
    return locks.parents[3] / "stacks" / locks.parent.name


def without_torn(where: Path, stack: str) -> tuple[str, ...]:
    """Delete notes about a stack's state that cannot be read; return their names. Nobody may hold the stack."""
    torn = [path for path in sorted(where.glob(f"{stack}.json*.attrs")) if _is_torn(path)]
    for path in torn:
        path.unlink()
    return tuple(path.name for path in torn)


def _is_torn(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except ValueError:
        return True
    return False
