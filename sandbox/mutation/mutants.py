"""Every way to break a rendered ruleset by one line: an element or a rule taken away, a rule that asks for less.

The text is read as it is rendered, line by line: one element or one rule a line. Nothing here knows what a rule is for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TABLE = re.compile(r"table inet (\w+) \{")
_BLOCK = re.compile(r" {4}(set|chain) (\w+) \{")
_ELEMENT = re.compile(r" {12}(\S.*),")
_RULE = re.compile(r" {8}(?!type |flags |elements )(\S.*)")
_VERDICT = re.compile(
    r"(?P<match>.*?) ?(?P<verdict>(?:counter )?(?:accept|drop|masquerade|(?:goto|jump) \w+|reject with .+|"
    r"meta mark set .+|log prefix .+))"
)

WITHOUT, WIDER = "without", "wider"


@dataclass(frozen=True, order=True)
class Line:
    """Where a line of a ruleset stands.

    Attributes:
        table: its table, without family.
        place: the set or chain that holds it.
        number: its number in the text, from 0.
        text: the element or the rule.
    """

    table: str
    place: str
    number: int
    text: str


@dataclass(frozen=True, order=True)
class Mutant:
    """A ruleset with one line broken.

    Attributes:
        line: the line.
        change: `without` it, or `wider`: the rule's verdict without what it asks for first.
        ruleset: the whole text.
    """

    line: Line
    change: str
    ruleset: str

    def __str__(self) -> str:
        """`twin_vpc leave: without iifname . oifname @leave_any goto left`."""
        return f"{self.line.table} {self.line.place}: {self.change} {self.line.text}"


def lines(ruleset: str) -> Iterator[Line]:
    """Every element and every rule of a rendered ruleset, with its place; hook lines are none."""
    table = place = ""
    for number, text in enumerate(ruleset.splitlines()):
        if found := _TABLE.fullmatch(text):
            table = found[1]
        elif found := _BLOCK.fullmatch(text):
            place = found[2]
        elif (found := _ELEMENT.fullmatch(text) or _RULE.fullmatch(text)) and found[1] != "}":
            yield Line(table, place, number, found[1])


def mutants(ruleset: str) -> Iterator[Mutant]:
    """Every line taken away, and every rule with a condition made wider."""
    whole = ruleset.splitlines()
    for line in lines(ruleset):
        yield Mutant(line, WITHOUT, _joined(whole, line.number, None))
        wider = _wider(line.text)
        if wider is not None:
            yield Mutant(line, WIDER, _joined(whole, line.number, f"        {wider}"))


def _wider(rule: str) -> str | None:
    """A rule's verdict alone; None for an element, and for a rule that asks for nothing."""
    found = _VERDICT.fullmatch(rule)
    return found["verdict"] if found and found["match"] else None


def _joined(whole: list[str], number: int, by: str | None) -> str:
    before, after = whole[:number], whole[number + 1 :]
    if by is not None:
        before = [*before, by]
    elif before[-1].endswith("elements = {") and after[0].strip() == "}":  # nft refuses an empty list
        before, after = before[:-1], after[1:]
    return "\n".join([*before, *after, ""])
