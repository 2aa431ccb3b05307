"""Which layer of the walls a line belongs to, and how the others are opened so that it stands alone.

A line that is broken behind another wall shows nothing: that is what the other wall is for. So each layer is first
judged with all others opened, and then all of them together.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.mutation.mutants import REMOVED, Mutant
from sandbox.mutation.walls import HELD, HOST, MAIN, ROUTING, ROUTING6, Walls


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
        routed: whether the routing rules are there. Then it says nothing how a denial is told: what a routing rule
            prohibits is told five times to one address, then once a second, and a namespace has no limit of its own
            (net.ipv4.route.error_burst).
    """

    name: str
    openings: tuple[Opening, ...] = ()
    routed: bool = False

    def alone(self, walls: Walls) -> Walls:
        """The walls with all other layers opened."""
        ruleset = opened(walls.ruleset, self.openings)
        return Walls(ruleset, walls.rules, walls.rules6) if self.routed else Walls(ruleset)


_GUARD, _INPUT = Opening(MAIN, "guard"), Opening(MAIN, "input")
_GATE_1, _GATE_2 = Opening(MAIN, "leave", "goto left"), Opening(MAIN, "enter", "goto entered")
_GATES = Opening(MAIN, "forward")
_SECOND = (Opening(HOST, "seal"), Opening(HOST, "input"))
_THIRD = (Opening(HELD, "guard"), Opening(HELD, "input"))
_MAIN = (_GUARD, _GATES, _INPUT)

GUARD = Layer("guard", (_GATES, _INPUT, *_SECOND, *_THIRD))
LEAVE = Layer("gate 1, leaving", (_GUARD, _GATE_2, _INPUT, *_SECOND, *_THIRD))
ENTER = Layer("gate 2, entering", (_GUARD, _GATE_1, _INPUT, *_SECOND, *_THIRD))
WAYS = Layer("the ways to the gates", (_GUARD, _GATE_1, _GATE_2, _INPUT, *_SECOND, *_THIRD))
INPUT = Layer("to the host, main table", (_GUARD, _GATES, *_SECOND, *_THIRD))
NAT = Layer("translation of addresses", (*_MAIN, *_SECOND, *_THIRD))
TABLE = Layer("main table as a whole", (*_SECOND, *_THIRD))
SIGN = Layer("sign and routing rules", (_GATES, _INPUT, *_SECOND, *_THIRD), routed=True)  # the guard says what to sign
UNSIGNED = Layer("routing rules, nothing signed", (*_MAIN, *_SECOND, *_THIRD, Opening(MAIN, "sign")), routed=True)
SECOND = Layer("second table", (*_MAIN, *_THIRD))
THIRD_GUARD = Layer("guard of the third table", (*_MAIN, *_SECOND, Opening(HELD, "input")))
THIRD = Layer("to the host, third table", (*_MAIN, *_SECOND, Opening(HELD, "guard")))
TOGETHER = Layer("all together", routed=True)

LAYERS = (GUARD, LEAVE, ENTER, WAYS, INPUT, NAT, TABLE, SIGN, UNSIGNED, SECOND, THIRD_GUARD, THIRD)

_PLACES = {
    "guard": GUARD, "legal_source": GUARD,
    "forward": WAYS, "outward": WAYS, "unjudged": LEAVE,
    "input": INPUT, "to_host": INPUT, "to_router": INPUT, "own_router": INPUT, "leasing": INPUT, "host_ports": INPUT,
    "source_nat": NAT, "to_machines": NAT, "machine_at": NAT, "sign": SIGN,
}  # fmt: skip
"""Sets and chains of the main table that one layer has to itself; what several share is judged in the whole table."""


def layer_of(mutant: Mutant) -> Layer:
    """The layer that what is broken belongs to."""
    line = mutant.line
    if line.table in {ROUTING, ROUTING6}:
        return SIGN if mutant.change == REMOVED and "fwmark" in line.text else UNSIGNED
    if line.table == HOST:
        return SECOND
    if line.table == HELD:
        return THIRD_GUARD if line.place in {"guard", "legal_source", "networks"} else THIRD
    if line.place.startswith(("leave", "left")):
        return LEAVE
    return ENTER if line.place.startswith("enter") else _PLACES.get(line.place, TABLE)


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
