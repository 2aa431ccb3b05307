"""Which layer of the walls a line belongs to, and how the others are opened so that it stands alone.

A line that is broken behind a second wall shows nothing: that is what the second wall is for. So each layer is first
judged with the others opened, and then all of them together.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.mutation.mutants import Line

MAIN, HOST, HELD = "twin_vpc", "twin_vpc_host", "twin_vpc_held"


@dataclass(frozen=True)
class Opening:
    """A rule put before all others of a chain.

    Attributes:
        table: the chain's table.
        chain: the chain.
        rule: what comes first in it.
    """

    table: str
    chain: str
    rule: str = "accept"


@dataclass(frozen=True)
class Layer:
    """A part of the walls on its own.

    Attributes:
        name: for people.
        openings: what opens all others.
        routed: whether the routing rules are there.
    """

    name: str
    openings: tuple[Opening, ...]
    routed: bool = False


def _inputs(*tables: str) -> tuple[Opening, ...]:
    return tuple(Opening(table, chain) for table in tables for chain in ("to_host", "to_router"))


_BEHIND = (Opening(HOST, "seal"), Opening(HELD, "guard"), *_inputs(HOST, HELD))

LEAVE = Layer("gate 1, leaving", (Opening(MAIN, "enter", "goto entered"), *_BEHIND))
ENTER = Layer("gate 2, entering", (Opening(MAIN, "leave", "goto left"), *_BEHIND))
AROUND = Layer("guard, host, NAT of the main table", _BEHIND)
SIGN = Layer("sign and routing rules", _BEHIND, routed=True)
SEALS = Layer("second table", (Opening(MAIN, "forward"), Opening(HELD, "guard"), *_inputs(MAIN, HELD)))
THIRD = Layer("third table", (Opening(MAIN, "guard"), Opening(HOST, "seal"), *_inputs(MAIN, HOST)))
TOGETHER = Layer("all together", (), routed=True)

LAYERS = (LEAVE, ENTER, AROUND, SIGN, SEALS, THIRD)


def layer_of(line: Line) -> Layer:
    """The layer that a line belongs to."""
    if line.table != MAIN:
        return SEALS if line.table == HOST else THIRD
    if line.place == "sign":
        return SIGN
    if line.place.startswith(("leave", "left")):
        return LEAVE
    return ENTER if line.place.startswith("enter") else AROUND


def opened(ruleset: str, openings: Iterable[Opening]) -> str:
    """A ruleset with rules put first in some chains.

    Raises:
        ValueError: a chain is not there: nothing would be opened, and everything would look strong.
    """
    whole = ruleset.splitlines()
    for opening in openings:
        whole.insert(_first_rule(whole, opening), f"        {opening.rule}")
    return "\n".join([*whole, ""])


def _first_rule(whole: list[str], opening: Opening) -> int:
    """Index of the line behind a chain's head and its hook."""
    table = whole.index(f"table inet {opening.table} {{")
    chain = whole.index(f"    chain {opening.chain} {{", table)
    if any(line.startswith("table ") for line in whole[table + 1 : chain]):
        raise ValueError(f"table {opening.table} has no chain {opening.chain}")
    hook = whole[chain + 1].lstrip().startswith("type ")
    return chain + 1 + hook
