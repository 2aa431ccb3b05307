"""Pictures as files."""

from collections.abc import Iterable
from enum import StrEnum, unique
from pathlib import Path

from twinvpc.addressing.lock import Lock
from twinvpc.model.load import Intent
from twinvpc.picture.layout import Layout, layout
from twinvpc.picture.mermaid import mermaid
from twinvpc.picture.scene import Scene, beside, scene
from twinvpc.picture.svg import draw
from twinvpc.proof.intent import matrix

FOLDER = "out"
"""Where pictures go unless told otherwise; git does not see it."""


@unique
class Format(StrEnum):
    """What a picture can be written as."""

    SVG = "svg"
    MERMAID = "mermaid"


def write_pictures(intents: Iterable[Intent], recorded: Lock, folder: Path, forms: Iterable[Format]) -> list[Path]:
    """Write pictures of each stack, all with one layout.

    Args:
        intents: the stacks, at least one.
        recorded: their addresses.
        folder: where to; made if it is missing.
        forms: of the files.

    Returns:
        The files, `<stack>.svg` or `<stack>.mmd`.

    Raises:
        OSError: a file cannot be written.
    """
    scenes = beside(scene(intent, recorded.of(intent.stack_name), matrix(intent)) for intent in intents)
    plan, wanted = layout(scenes), tuple(forms)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for one in scenes:
        for form in wanted:
            path, text = _drawn(form, one, plan)
            (folder / path).write_text(text, encoding="utf-8")
            written.append(folder / path)
    return written


def _drawn(form: Format, one: Scene, plan: Layout) -> tuple[str, str]:
    """Name and text of one file."""
    if form is Format.SVG:
        return f"{one.stack}.svg", draw(one, plan)
    return f"{one.stack}.mmd", mermaid(one)
