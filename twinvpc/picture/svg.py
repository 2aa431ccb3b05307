"""A scene as SVG: the same bytes for the same input, on every machine."""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from twinvpc.picture.layout import MARGIN, NAME_LINE, TEXT_LINE, Layout, entry_height, legend_room, name_lines
from twinvpc.picture.legend import Entry, Mark, legend
from twinvpc.picture.scene import Arrow, Declared, Place, Scene
from twinvpc.picture.style import HUES, style
from twinvpc.picture.words import listed

_CORNER = 4
_HEAD = 9  # length of a solid arrow head
_LARGER = 1.5  # a picture opened by itself is shown larger than a phone shows it


def draw(scene: Scene, plan: Layout) -> str:
    """The picture as text of an SVG file.

    Args:
        scene: what to draw.
        plan: where; made from this scene and those that it shall match.
    """
    explained = legend((scene,), plan.letters, legend_room(plan.width, plan.tag))
    return document(
        (plan.width, plan.height),
        f"{scene.stack} on {scene.substrate}: who may open what to whom",
        sentences(scene),
        (*panel(scene, plan), *legend_lines(explained, plan)),
    )


def document(size: tuple[int, int], title: str, words: Iterable[str], body: Iterable[str]) -> str:
    """An SVG file.

    Args:
        size: width and height.
        title: what it shows.
        words: the same as it, in sentences, for those who cannot see it.
        body: what is drawn.
    """
    width, height = size
    larger = f'width="{width * _LARGER:g}" height="{height * _LARGER:g}" viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {larger} role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(" ".join(words))}</desc>',
            f"<style>{style()}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *body,
            "</svg>\n",
        ]
    )


def panel(scene: Scene, plan: Layout) -> Iterator[str]:
    """A stack without its legend: what it is called, what it costs, places, arrows."""
    yield text(MARGIN, 24, f"{scene.stack} on {scene.substrate}", "title")
    yield text(MARGIN, 42, scene.about, "quiet")
    yield text(MARGIN, 42 + TEXT_LINE, scene.price[0], "quiet")
    for part in (_frame, _places, _columns, _arrows):
        yield from part(scene, plan)


def sentences(scene: Scene) -> Iterator[str]:
    """The whole picture in words, for those who cannot see it."""
    for place in scene.places:
        if place.here:
            yield f"{place.name}: {', '.join(place.lines)}."
    for arrow in scene.arrows:
        yield f"{arrow.source} may open to {arrow.destination}: {listed(arrow.services)}."
    for one in scene.declared:
        yield f"{one.source} may not open to {one.destination}, by the stack's choice: {one.setting}."
    if scene.reaching:
        yield f"Each machine is reached by {' and '.join(scene.reaching)}, by its ssh port of the host."
    yield "Nothing else may be opened between different places. Inside a segment everything is free."
    yield f"Price: {scene.price[0]}."


def text(x: float, y: float, words: str, look: str, more: str = "") -> str:
    """A line of writing that begins at a point."""
    return f'<text class="{look}" x="{x:g}" y="{y:g}"{more}>{escape(words)}</text>'


def legend_lines(entries: Iterable[Entry], plan: Layout) -> Iterator[str]:
    """The legend, below the places."""
    y = plan.bottom + 6
    for entry in entries:
        yield from _mark(entry, y + TEXT_LINE - 4, plan.tag)
        for number, line in enumerate(entry.lines, 1):
            yield text(MARGIN + plan.tag + 8, y + number * TEXT_LINE, line, "text")
        y += entry_height(entry)


def _frame(scene: Scene, plan: Layout) -> Iterator[str]:
    top, bottom = plan.frame
    size = f'width="{plan.width - 2 * MARGIN}" height="{bottom - top}"'
    yield f'<rect class="frame" x="{MARGIN}" y="{top}" {size} rx="9"/>'
    for number, line in enumerate(scene.frame, 1):
        yield text(plan.left, top + 3 + TEXT_LINE * number, line, "quiet")


def _places(scene: Scene, plan: Layout) -> Iterator[str]:
    ends = {place.name: [plan.left + plan.box] for place in scene.places}
    for one in (*scene.arrows, *scene.declared):
        ends[one.destination].append(plan.columns[one.source] - plan.tag)
        ends[one.source].append(plan.columns[one.source])
    for place in scene.places:
        row = plan.rows[place.name]
        if len(ends[place.name]) > 1:
            end = f'x2="{max(ends[place.name])}" y2="{row.middle}"'
            yield f'<line class="leader" x1="{plan.left + plan.box}" y1="{row.middle}" {end}/>'
        yield from _box(scene.substrate, place, plan)


def _box(substrate: str, place: Place, plan: Layout) -> Iterator[str]:
    row = plan.rows[place.name]
    look = "box" if place.here else "box absent"
    size = f'width="{plan.box}" height="{row.height}"'
    yield f'<rect class="{look}" x="{plan.left}" y="{row.top}" {size} rx="5"/>'
    names = name_lines(place.name)
    lines = place.lines if place.here else (f"not on {substrate}",)
    used = NAME_LINE * len(names) + TEXT_LINE * len(lines)
    y = row.top + (row.height - used) // 2
    for name in names:
        y += NAME_LINE
        yield text(plan.left + 7, y - 3, name, "name" if place.here else "name quiet")
    for line in lines:
        y += TEXT_LINE
        yield text(plan.left + 7, y - 3, line, "text" if place.here else "quiet")


def _columns(scene: Scene, plan: Layout) -> Iterator[str]:
    edge = plan.left + plan.box
    yield text(edge, plan.header - 20, "who opens →", "quiet", ' text-anchor="end"')
    yield text(plan.left, plan.header, "↓ to whom", "quiet")
    opening = _opening(scene)
    for name in scene.openers:
        if name in opening:
            x = plan.columns[name] + 4
            yield text(x, plan.header, name, "text", f' transform="rotate(-90 {x} {plan.header})"')


def _opening(scene: Scene) -> dict[str, None]:
    """Places from which something leads away, in the order of their arrows."""
    return dict.fromkeys(one.source for one in (*scene.arrows, *scene.declared))


def _arrows(scene: Scene, plan: Layout) -> Iterator[str]:
    hues = {name: f"h{i % HUES}" for i, name in enumerate(scene.openers)}
    for arrow in scene.arrows:
        yield from _arrow(arrow, hues[arrow.source], plan.letters.get(arrow.label, ""), plan)
    for one in scene.declared:
        yield from _declared(one, hues[one.source], plan)
    for name in _opening(scene):
        yield _dot(plan.columns[name], plan.rows[name].middle, hues[name])


def _arrow(arrow: Arrow, hue: str, letter: str, plan: Layout) -> Iterator[str]:
    tip, end = plan.columns[arrow.source] - plan.tag, plan.rows[arrow.destination].middle
    yield f"<g><title>{escape(f'{arrow.source} → {arrow.destination}: {listed(arrow.services)}')}</title>"
    yield f'<path class="way {hue}" d="{_way(arrow, plan)}"/>{_end(tip, end, hue, letter, plan.tag)}</g>'


def _declared(one: Declared, hue: str, plan: Layout) -> Iterator[str]:
    """As an arrow, but dashed, and with a cross where its head would be."""
    tip, end = plan.columns[one.source] - plan.tag, plan.rows[one.destination].middle
    yield f'<g class="denied"><title>{escape(f"{one.source} → {one.destination}: denied, {one.setting}")}</title>'
    yield f'<path class="way declared {hue}" d="{_way(one, plan)}"/>{_cross(tip, end, hue)}</g>'


def _way(one: Arrow | Declared, plan: Layout) -> str:
    """From the dot along the column, round the corner, into the row of the place that it leads to."""
    x, start, end = plan.columns[one.source], plan.rows[one.source].middle, plan.rows[one.destination].middle
    turn = end - _CORNER if start < end else end + _CORNER
    return f"M{x} {start}V{turn}Q{x} {end} {x - _CORNER} {end}H{x - plan.tag + _HEAD - 1}"


def _dot(x: int, y: int, hue: str) -> str:
    return f'<circle class="dot {hue}" cx="{x}" cy="{y}" r="3.5"/>'


def _cross(x: int, y: int, hue: str) -> str:
    return f'<path class="cross {hue}" d="M{x} {y - 4}l8 8m0 -8l-8 8"/>'


def _end(tip: int, y: int, hue: str, letter: str, tag: int) -> str:
    """A solid head for everything; a hollow tag with a letter for some services."""
    if not letter:
        return f'<path class="all {hue}" d="M{tip} {y}l{_HEAD} -5v10z"/>'
    right = tag - 2
    shape = f'<path class="only {hue}" d="M{tip} {y}l5 -7.5h{right - 5}v15h-{right - 5}z"/>'
    return shape + text(tip + (right + 4) / 2, y + 3.5, letter, "letter")


def _mark(entry: Entry, y: int, tag: int) -> Iterator[str]:
    middle = MARGIN + tag // 2
    match entry.mark:
        case Mark.OPENS:
            yield _dot(middle, y, "hn")
        case Mark.ALL:
            yield _end(middle - _HEAD // 2, y, "hn", "", tag)
        case Mark.ONLY:
            yield _end(MARGIN, y, "hn", entry.letter, tag)
        case Mark.DECLARED:
            yield _cross(middle - 4, y, "hn")
        case Mark.NONE:
            pass
