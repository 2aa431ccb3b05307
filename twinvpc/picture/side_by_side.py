"""Two stacks of one network in one picture: what they share lies at the same height, and so does what differs."""

from collections.abc import Iterator
from textwrap import wrap

from twinvpc.picture.layout import MARGIN, TEXT_LINE, Layout, legend_height, legend_room
from twinvpc.picture.legend import legend
from twinvpc.picture.scene import Scene
from twinvpc.picture.svg import document, legend_lines, panel, sentences, text

_BETWEEN = 8
_SPACE = 5  # below a sentence


def draw_side_by_side(left: Scene, right: Scene, plan: Layout) -> str:
    """The picture as text of an SVG file: one legend for both below the left one, what the right one costs beside it.

    Args:
        left: one stack.
        right: another, with a price of which more is to be said.
        plan: made from both, and from others that they shall match.
    """
    explained = legend((left, right), plan.letters, legend_room(plan.width, plan.tag))
    said = [wrap(sentence, _room(plan)) for sentence in right.price[1:]]
    below = max(legend_height(explained), sum(TEXT_LINE * len(lines) + _SPACE for lines in said))
    both = (left, right)
    return document(
        (2 * plan.width + _BETWEEN, plan.bottom + MARGIN + below),
        f"{' and '.join(f'{one.stack} on {one.substrate}' for one in both)}: who may open what to whom",
        (word for one in both for word in (f"Stack {one.stack}.", *sentences(one), *one.price[1:])),
        (*_beside(both, plan), *legend_lines(explained, plan), *_price(said, plan)),
    )


def _room(plan: Layout) -> int:
    """Letters of a line about the price: as many as of the legend, and those in place of its signs."""
    return legend_room(plan.width, plan.tag) + 3


def _beside(scenes: tuple[Scene, ...], plan: Layout) -> Iterator[str]:
    """Each stack in a picture of its own, which keeps its measures."""
    for number, scene in enumerate(scenes):
        size = f'width="{plan.width}" height="{plan.bottom}" viewBox="0 0 {plan.width} {plan.bottom}"'
        yield f'<svg x="{number * (plan.width + _BETWEEN)}" {size}>'
        yield from panel(scene, plan)
        yield "</svg>"


def _price(said: list[list[str]], plan: Layout) -> Iterator[str]:
    y = plan.bottom + 6
    for lines in said:
        for number, line in enumerate(lines, 1):
            yield text(plan.width + _BETWEEN + MARGIN, y + number * TEXT_LINE, line, "text")
        y += TEXT_LINE * len(lines) + _SPACE
