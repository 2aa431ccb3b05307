"""What the owner asked for, and one thing that stands in its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from twinvpc.addressing.plan import LibvirtPlan


class Fate(StrEnum):
    """What would happen to it."""

    REPLACED = "replaced"
    REATTACHED = "reattached"
    MOVED = "moved"
    TAKEN = "taken away"
    STAYS = "stays"
    REFUSED = "refused"


@dataclass(frozen=True)
class Conflict:
    """One thing that stands in the way, or seems to.

    Attributes:
        kind: what it is.
        name: which one.
        fate: what would happen to it.
        why: that in a sentence, with the way out where it is refused.
    """

    kind: str
    name: str
    fate: Fate
    why: str


@dataclass(frozen=True)
class Wish:
    """What the owner asked for.

    Attributes:
        plan: the address plan.
        uplinks: interfaces that lead out, as configured; none means those of the default route.
        moves: new segment of machines by name.
        granted: interfaces of Docker and Tailscale that a flow speaks of.
        beyond: private addresses outside the segments that a packet of theirs may come from or go to.
    """

    plan: LibvirtPlan
    uplinks: tuple[str, ...]
    moves: Mapping[str, str]
    granted: tuple[str, ...] = ()
    beyond: tuple[IPv4Network, ...] = ()

    @property
    def bridges(self) -> Mapping[str, str]:
        """Bridge of each segment."""
        return {segment.name: segment.bridge for segment in self.plan.segments}

    @property
    def blocks(self) -> Mapping[str, IPv4Network]:
        """Block of each segment."""
        return {segment.name: segment.cidr for segment in self.plan.segments}
