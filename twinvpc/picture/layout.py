"""Where everything stands in a picture: boxes down the left side, a column to the right for each place that opens.

Lengths are pixels of a picture at its own size; a phone 360 pixels wide shows five or six segments so. Fonts differ
from screen to screen: the room for a text is reckoned from its letters, generously.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import wrap

from twinvpc.picture.legend import Entry, legend, letters
from twinvpc.picture.scene import Place, Scene

NARROWEST = 360
MARGIN = 10
NAME_LINE, TEXT_LINE = 16, 14
NAME_LETTER, TEXT_LETTER = 8.6, 6.5
"""Widest usual mean width of a letter, bold and plain, in DejaVu Sans, which is wider than most."""
LONGEST_NAME = 16

_TOP, _GAP, _PAD, _INDENT = 70, 8, 7, 8
_WIDEST_STEP = 36
_TAG = 8  # of an arrow's tag, besides its letter
_AIR = 4  # between a tag and the column before it, where a dot may be


@dataclass(frozen=True)
class Row:
    """The strip of one place: where its box begins, and how high it is."""

    top: int
    height: int

    @property
    def middle(self) -> int:
        """Where arrows end."""
        return self.top + self.height // 2


@dataclass(frozen=True)
class Layout:
    """Places of everything.

    Attributes:
        width: of the picture.
        header: lowest line of the names above the columns.
        rows: strip of each place, by name.
        columns: line of each place that opens, by name.
        letters: what stands in an arrow's tag, by list of services.
        box: width of all boxes.
        frame: first and last line of the frame.
        tag: width of an arrow's end, from its tip to its column.
        bottom: where the places end and the legend begins.
        height: of the picture.
    """

    width: int
    header: int
    rows: Mapping[str, Row]
    columns: Mapping[str, int]
    letters: Mapping[str, str]
    box: int
    frame: tuple[int, int]
    tag: int
    bottom: int
    height: int

    @property
    def left(self) -> int:
        """Where boxes begin."""
        return MARGIN + _INDENT


def name_lines(name: str) -> list[str]:
    """A name in lines that fit into a box, broken behind hyphens where it has some."""
    return wrap(name, LONGEST_NAME)


def layout(scenes: Sequence[Scene]) -> Layout:
    """One layout for all stacks of a network, so that their pictures can be laid side by side.

    Args:
        scenes: at least one; with the same places (`beside` sees to that).
    """
    first = scenes[0]
    columns = first.openers
    frame_text = max(len(scene.frame) for scene in scenes)
    header = _TOP + ceil(max(map(len, columns)) * TEXT_LETTER) + 8
    rows, frame, bottom = _rows(scenes, header + _GAP, frame_text)
    box = _box_width(scenes)
    names = letters(scenes)
    tag = _TAG + ceil(TEXT_LETTER * max(map(len, names.values()), default=1))
    grid = MARGIN + _INDENT + box + _PAD
    edge = MARGIN + _PAD + 4
    step = max(tag + _AIR, min(_WIDEST_STEP, (NARROWEST - grid - edge - tag) // max(1, len(columns) - 1)))
    lines = {name: grid + tag + step * i for i, name in enumerate(columns)}
    width = max(NARROWEST, max(lines.values()) + edge)
    entries = (legend((scene,), names, legend_room(width, tag)) for scene in scenes)
    height = bottom + MARGIN + max(map(legend_height, entries))
    return Layout(
        width,
        header,
        dict(zip((place.name for place in first.places), rows, strict=True)),
        lines,
        names,
        box,
        frame,
        tag,
        bottom,
        height,
    )


def legend_room(width: int, tag: int) -> int:
    """Letters of a line of the legend."""
    return int((width - 2 * MARGIN - tag - 8) / (TEXT_LETTER - 0.4))


def entry_height(entry: Entry) -> int:
    """Height of an entry of the legend, with the space below it."""
    return TEXT_LINE * len(entry.lines) + 5


def legend_height(entries: Iterable[Entry]) -> int:
    """Height of the whole legend."""
    return sum(map(entry_height, entries))


def _box_width(scenes: Sequence[Scene]) -> int:
    places = [place for scene in scenes for place in scene.places]
    names = max(len(line) * NAME_LETTER for place in places for line in name_lines(place.name))
    texts = max(len(line) * TEXT_LETTER for place in places for line in place.lines)
    frames = max(len(line) * TEXT_LETTER for scene in scenes for line in scene.frame)
    return ceil(max(names, texts, frames)) + 2 * _PAD


def _rows(scenes: Sequence[Scene], top: int, frame_text: int) -> tuple[list[Row], tuple[int, int], int]:
    """Strips from top to bottom, and the frame around those that it holds."""
    rows: list[Row] = []
    begin = end = 0
    for same in zip(*(scene.places for scene in scenes), strict=True):
        if same[0].framed and not begin:
            begin, top = top, top + frame_text * TEXT_LINE + _GAP + 4
        if begin and not end and not same[0].framed:
            end, top = top, top + _GAP
        height = max(map(_height, same))
        rows.append(Row(top, height))
        top += height + _GAP
    return rows, (begin, end or top), top if end else top + _GAP


def _height(place: Place) -> int:
    return 2 * _PAD + NAME_LINE * len(name_lines(place.name)) + TEXT_LINE * max(1, len(place.lines))
