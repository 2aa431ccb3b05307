"""Reading one rule: what it asks for, condition by condition, and what it does then. Source of the words: nft(8)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FIELD = (
    r"(?:iifname|oifname|ip [sd]addr|meta (?:l4proto|nfproto|pkttype|mark)|ct (?:state|direction|status)|"
    r"(?:tcp|udp|th) [sd]port|icmp type|fib daddr type|limit rate)"
)
_CONDITION = re.compile(rf"{_FIELD}(?: \. {_FIELD})*(?: & 0x\w+)?(?: [!=]=)? (?!set )(?:\{{[^}}]*\}}|\S+) ")
_VERDICT = re.compile(
    r"(?:counter )?(?:accept|drop|masquerade|(?:goto|jump) \w+|reject with .+|meta mark set .+|log prefix .+|"
    r"dnat ip to .+)"
)
_VALUES = re.compile(r"\{ (?P<set>.+) \}|(?<= )(?P<list>\w+(?:,\w+)+)$")
_SELECTOR = re.compile(r"(?:from|to|fwmark|iif) \S+ ")
_ACTION = re.compile(r"lookup \S+|prohibit")


@dataclass(frozen=True)
class Rule:
    """A rule in parts.

    Attributes:
        conditions: what it asks for.
        verdict: what it does with a packet that has all of it.
    """

    conditions: tuple[str, ...]
    verdict: str

    def without(self, condition: str) -> str:
        """The rule as text, asking for everything but one condition."""
        return " ".join([*(one for one in self.conditions if one != condition), self.verdict])

    @property
    def narrower(self) -> Iterator[tuple[str, str]]:
        """Each value of a condition that takes several, with the rule as text that leaves it out."""
        for number, condition in enumerate(self.conditions):
            for found in _VALUES.finditer(condition):
                mark = ", " if found["set"] else ","
                values = (found["set"] or found["list"]).split(mark)
                for value in values:
                    left = mark.join(one for one in values if one != value)
                    fewer = condition.replace(found["set"] or found["list"], left)
                    yield (
                        value,
                        " ".join([*self.conditions[:number], fewer, *self.conditions[number + 1 :], self.verdict]),
                    )


def read_rule(text: str) -> Rule:
    """A rule of a chain.

    Raises:
        ValueError: it has words that this module does not know, so it could not be widened.
    """
    return _read(text, _CONDITION, _VERDICT)


def read_routing_rule(text: str) -> Rule:
    """What follows `pref N` in `ip rule add`.

    Raises:
        ValueError: as in `read_rule`.
    """
    return _read(text, _SELECTOR, _ACTION)


def _read(text: str, condition: re.Pattern[str], verdict: re.Pattern[str]) -> Rule:
    found: list[str] = []
    at = 0
    while one := condition.match(text, at):
        found.append(one[0].strip())
        at = one.end()
    if not verdict.fullmatch(text, at):
        raise ValueError(f"nobody knows how to widen the rule `{text}`: teach `{text[at:]}` to {__name__}")
    return Rule(tuple(found), text[at:])
