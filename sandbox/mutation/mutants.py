"""Every way to break the walls by one line: a line taken away, a rule that asks for less, an element that holds more.

The texts are read as they are rendered, line by line: one element or one rule a line. Nothing here knows what a rule is
for. Interfaces in sets are not widened: the rules that ask for them are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.mutation.rules import read_routing_rule, read_rule
from sandbox.mutation.walls import ROUTING, ROUTING6, Walls

_TABLE = re.compile(r"table inet (\w+) \{")
_BLOCK = re.compile(r" {4}(set|map|chain) (\w+) \{")
_ELEMENT = re.compile(r" {12}(\S.*),")
_HOOK = re.compile(r" {8}(type \w+ hook .*)")
_RULE = re.compile(r" {8}(?!type |flags |elements )(\S.*)")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+(?:/\d+)?")
_PORTS = re.compile(r"(?<= \. )\d+(?:-\d+)?$")

REMOVED, UNHOOKED = "removed", "unhooked"
ANY_ADDRESS, ANY_PORT = "any address", "any port"


@dataclass(frozen=True, order=True)
class Line:
    """Where a line stands.

    Attributes:
        table: its table, without family; `routing` or `routing6` for a routing rule.
        place: the set or chain that holds it; `rules` for a routing rule.
        number: its number in the text, from 0.
        text: the element, the rule or the hook.
    """

    table: str
    place: str
    number: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """Walls with one line broken.

    Attributes:
        line: the line.
        change: `removed`, `unhooked`, `any address`, `any port`, or what a rule does not ask for any more.
        walls: what came of it.
    """

    line: Line
    change: str
    walls: Walls

    def __str__(self) -> str:
        """`twin_vpc leave: iifname . oifname @leave_any goto left: removed`."""
        return f"{self.line.table} {self.line.place}: {self.line.text}: {self.change}"


def lines(walls: Walls) -> Iterator[Line]:
    """Every element, rule and hook of the tables, and every routing rule."""
    table = place = ""
    for number, text in enumerate(walls.ruleset.splitlines()):
        if found := _TABLE.fullmatch(text):
            table = found[1]
        elif found := _BLOCK.fullmatch(text):
            place = found[2]
        elif (found := _ELEMENT.fullmatch(text) or _HOOK.fullmatch(text) or _RULE.fullmatch(text)) and found[1] != "}":
            yield Line(table, place, number, found[1])
    for table, rules in ((ROUTING, walls.rules), (ROUTING6, walls.rules6)):
        for number, text in enumerate(rules):
            yield Line(table, "rules", number, text)


def mutants(walls: Walls) -> Iterator[Mutant]:
    """Every mutant, in the order of the lines; none twice, whatever line it came from."""
    seen = {walls}
    whole = walls.ruleset.splitlines()
    for line in lines(walls):
        for change, broken in _broken(walls, whole, line):
            if broken not in seen:
                seen.add(broken)
                yield Mutant(line, change, broken)


def _broken(walls: Walls, whole: Sequence[str], line: Line) -> Iterator[tuple[str, Walls]]:
    if line.table in {ROUTING, ROUTING6}:
        yield from _routing(walls, line)
    elif whole[line.number].startswith(" " * 12):
        for change, edits in _element(whole, line):
            yield change, replace(walls, ruleset=_edited(whole, edits))
    else:
        for change, edits in _rule(line):
            yield change, replace(walls, ruleset=_edited(whole, edits))


_Edits = Mapping[int, str | None]
"""By number of a line, what takes its place; None for nothing."""


def _rule(line: Line) -> Iterator[tuple[str, _Edits]]:
    if line.text.startswith("type "):
        yield UNHOOKED, {line.number: None}
        return
    yield REMOVED, {line.number: None}
    rule = read_rule(line.text)
    for condition in rule.conditions:
        yield f"not asking `{condition}`", {line.number: f"        {rule.without(condition)}"}
    for value, text in rule.narrower:
        yield f"without `{value}`", {line.number: f"        {text}"}


def _element(whole: Sequence[str], line: Line) -> Iterator[tuple[str, _Edits]]:
    """An element goes, or takes the place of all that it then covers as well. What a map leads to is not widened."""
    first, last = line.number, line.number
    while not whole[first].endswith("elements = {"):
        first -= 1
    while whole[last].startswith(" " * 12):
        last += 1
    alone = last - first == len(("elements = {", "the element"))  # nft refuses an empty list
    yield REMOVED, {line.number: None} | ({first: None, last: None} if alone else {})
    if " : " in line.text:
        return
    interval = "flags interval" in whole[first - 1]
    for change, pattern, by in ((ANY_ADDRESS, _ADDRESS, "0.0.0.0/0"), (ANY_PORT, _PORTS, "0-65535")):
        wider = pattern.sub(by, line.text)
        if wider != line.text:
            covered = {n: None for n in range(first + 1, last) if pattern.sub(by, _bare(whole[n])) == wider}
            flag = {} if interval else {first - 1: f"{whole[first - 1]}; flags interval"}
            yield change, {**covered, line.number: f"            {wider},", **flag}


def _bare(text: str) -> str:
    return text.strip().removesuffix(",")


def _routing(walls: Walls, line: Line) -> Iterator[tuple[str, Walls]]:
    rule = read_routing_rule(line.text)
    wider = [(f"not asking `{one}`", [rule.without(one)]) for one in rule.conditions]
    for change, by in [(REMOVED, list[str]()), *wider]:
        if line.table == ROUTING:
            before, after = walls.rules[: line.number], walls.rules[line.number + 1 :]
            yield change, replace(walls, rules=(*before, *by, *after))
        else:
            before, after = walls.rules6[: line.number], walls.rules6[line.number + 1 :]
            yield change, replace(walls, rules6=(*before, *by, *after))


def _edited(whole: Sequence[str], edits: _Edits) -> str:
    edited = (edits.get(number, text) for number, text in enumerate(whole))
    return "\n".join([*(text for text in edited if text is not None), ""])
