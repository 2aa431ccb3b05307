"""What stands below a picture: how to read it, and what each letter says."""

from collections.abc import Iterable, Mapping, Sequence
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
    DECLARED = "declared"
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


def legend(scenes: Sequence[Scene], names: Mapping[str, str], room: int) -> tuple[Entry, ...]:
    """The entries in reading order.

    Args:
        scenes: what it explains: one picture, or several beside each other.
        names: letters of lists of services.
        room: letters of a line.
    """
    entries = [
        (Mark.OPENS, "", "Who opens. Inside a segment everything is free."),
        (Mark.ALL, "", "May open every service of the place that the arrow points at."),
    ]
    own = {arrow.label for scene in scenes for arrow in scene.arrows}
    entries += [(Mark.ONLY, letter, f"Only {_says(label)}.") for label, letter in names.items() if label in own]
    if settings := sorted({one.setting for scene in scenes for one in scene.declared}):
        said = f"Permitted by network.yaml, denied by the stack's choice: {', '.join(settings)}."
        entries.append((Mark.DECLARED, "", said))
    entries.append((Mark.NONE, "", "No arrow: denied. Answers come back by themselves."))
    if reaching := sorted({node for scene in scenes for node in scene.reaching}):
        who, s = " and ".join(reaching), "es" * (len(reaching) == 1)
        entries.append((Mark.NONE, "", f"ssh with a number: a machine, which {who} reach{s} by that port of the host."))
    fixed = _fixed(scenes)
    if len(fixed) > 1:
        among = f"{', '.join(fixed[:-1])} and {fixed[-1]}"
        entries.append((Mark.NONE, "", f"What {among} open among themselves is not ours and left as it is."))
    return tuple(Entry(mark, letter, tuple(wrap(text, room, break_on_hyphens=False))) for mark, letter, text in entries)


def _fixed(scenes: Sequence[Scene]) -> list[str]:
    """Nodes of ours that are no segments, where at least one of the stacks has them."""
    places = (place for scene in scenes for place in scene.places if place.here)
    return list(dict.fromkeys(place.name for place in places if place.name in FIXED_NODES))


def _says(label: str) -> str:
    if label == ROUTER:
        return _ROUTER_SERVICES
    more = label.startswith(f"{ROUTER} ")
    return listed(label.removeprefix(f"{ROUTER} ")) + (f", and what {ROUTER} says" if more else "")
