"""Pictures as files."""

from collections.abc import Iterable, Iterator
from enum import StrEnum, unique
from itertools import product
from pathlib import Path

from twinvpc.addressing.lock import Lock
from twinvpc.model.load import Intent
from twinvpc.picture.layout import Layout, layout
from twinvpc.picture.mermaid import mermaid
from twinvpc.picture.scene import AWS, LIBVIRT, Scene, beside, scene
from twinvpc.picture.side_by_side import draw_side_by_side
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
    """Write pictures of each stack, all with one layout, and of each pair of a host and a VPC side by side.

    Args:
        intents: the stacks, at least one.
        recorded: their addresses.
        folder: where to; made if it is missing.
        forms: of the files.

    Returns:
        The files, `<stack>.svg` or `<stack>.mmd`, and `<stack>-and-<stack>.svg`.

    Raises:
        OSError: a file cannot be written.
    """
    scenes = beside(scene(intent, recorded.of(intent.stack_name), matrix(intent)) for intent in intents)
    plan, wanted = layout(scenes), tuple(forms)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, drawn in _drawn(scenes, plan, wanted):
        (folder / name).write_text(drawn, encoding="utf-8")
        written.append(folder / name)
    return written


def _drawn(scenes: tuple[Scene, ...], plan: Layout, wanted: tuple[Format, ...]) -> Iterator[tuple[str, str]]:
    """Name and text of each file."""
    for one in scenes:
        if Format.SVG in wanted:
            yield f"{one.stack}.svg", draw(one, plan)
        if Format.MERMAID in wanted:
            yield f"{one.stack}.mmd", mermaid(one)
    hosts = [one for one in scenes if one.substrate == LIBVIRT]
    clouds = [one for one in scenes if one.substrate == AWS]
    for host, cloud in product(hosts, clouds):
        if Format.SVG in wanted:
            yield f"{host.stack}-and-{cloud.stack}.svg", draw_side_by_side(host, cloud, plan)
