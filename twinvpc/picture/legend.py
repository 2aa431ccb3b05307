"""What stands below a picture: how to read it, and what each letter says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from itertools import count, product
from textwrap import wrap

from twinvpc.model.nodes import FIXED_NODES
from twinvpc.picture.scene import Scene
from twinvpc.picture.words import ROUTER, listed

_LETTERS = "abcdefghijknpqstuvxyz"
"""Without r, which has its meaning, l and o, which look like numbers, and m and w, which are too wide."""
_ROUTER_SERVICES = "DNS, ICMP and, where there are leases, DHCP of the guest's own router address"


@unique
class Mark(StrEnum):
    """The signs of a picture."""

    OPENS = "opens"
    ALL = "all"
    ONLY = "only"
    NONE = "none"


@dataclass(frozen=True)
class Entry:
    """One sign and what it says.

    Attributes:
        mark: the sign.
        letter: what stands in it, if it is a tag.
        lines: what it says, broken to the width of the picture.
    """

    mark: Mark
    letter: str
    lines: tuple[str, ...]


def letters(scenes: Iterable[Scene]) -> dict[str, str]:
    """A letter for each different list of services that arrows carry: `r` for the usual, a, b, … for the others."""
    labels = dict.fromkeys(arrow.label for scene in scenes for arrow in scene.arrows if not arrow.everything)
    free = ("".join(parts) for length in count(1) for parts in product(_LETTERS, repeat=length))
    return {label: next(free) for label in labels if label != ROUTER} | ({ROUTER: ROUTER} if ROUTER in labels else {})


def legend(scene: Scene, names: Mapping[str, str], room: int) -> tuple[Entry, ...]:
    """The entries in reading order.

    Args:
        scene: the picture.
        names: letters of lists of services.
        room: letters of a line.
    """
    fixed = [place.name for place in scene.places if place.here and place.name in FIXED_NODES]
    entries = [
        (Mark.OPENS, "", "Who opens. Inside a segment everything is free."),
        (Mark.ALL, "", "May open every service of the place that the arrow points at."),
    ]
    own = {arrow.label for arrow in scene.arrows}
    entries += [(Mark.ONLY, letter, f"Only {_says(label)}.") for label, letter in names.items() if label in own]
    entries.append((Mark.NONE, "", "No arrow: denied. Answers come back by themselves."))
    if scene.reaching:
        who, s = " and ".join(scene.reaching), "es" * (len(scene.reaching) == 1)
        entries.append((Mark.NONE, "", f"ssh with a number: a machine, which {who} reach{s} by that port of the host."))
    if len(fixed) > 1:
        among = f"{', '.join(fixed[:-1])} and {fixed[-1]}"
        entries.append((Mark.NONE, "", f"What {among} open among themselves is not ours and left as it is."))
    return tuple(Entry(mark, letter, tuple(wrap(text, room, break_on_hyphens=False))) for mark, letter, text in entries)


def _says(label: str) -> str:
    if label == ROUTER:
        return _ROUTER_SERVICES
    more = label.startswith(f"{ROUTER} ")
    return listed(label.removeprefix(f"{ROUTER} ")) + (f", and what {ROUTER} says" if more else "")
