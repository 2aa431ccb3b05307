"""What one of the owner's rules in iptables' chain FORWARD would do to packets of ours."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

_CLOSING = frozenset({"DROP", "REJECT"})
_FLAGS = {"-i": "into", "-o": "out", "-s": "source", "-d": "destination", "-j": "target"}


class Meaning(StrEnum):
    """What a rule is to us."""

    NOTHING = "nothing"
    OPENS_NOTHING = "opens nothing"
    CLOSES_OURS = "closes ours"
    CLOSES_ALL = "closes ours among others"


@dataclass(frozen=True)
class Ours:
    """What packets of ours look like in FORWARD.

    Attributes:
        bridges: names that our bridges have, will have, or had in the owner's networks.
        uplinks: interfaces that lead out.
        blocks: the segments' blocks.
    """

    bridges: frozenset[str]
    uplinks: frozenset[str]
    blocks: tuple[IPv4Network, ...]


@dataclass
class _Rule:
    into: str = ""
    out: str = ""
    source: str = ""
    destination: str = ""
    target: str = ""


def meaning(text: str, ours: Ours) -> Meaning:
    """What a rule means for us.

    A packet has to be let through by every chain on its way. So no accept of the owner's opens what our gates close,
    but a drop closes what they open.

    Args:
        text: as `iptables -S FORWARD` prints it.
        ours: what our packets look like.
    """
    rule = _parsed(text)
    named = _names_bridge(rule.into, ours) or _names_bridge(rule.out, ours)
    named = named or _in_blocks(rule.source, ours) or _in_blocks(rule.destination, ours)
    if rule.target == "ACCEPT":
        return Meaning.OPENS_NOTHING if named else Meaning.NOTHING
    if rule.target not in _CLOSING or not _possible(rule, ours):
        return Meaning.NOTHING
    return Meaning.CLOSES_OURS if named else Meaning.CLOSES_ALL


def _parsed(text: str) -> _Rule:
    rule, negated = _Rule(), False
    words = iter(shlex.split(text))
    for word in words:
        if word == "!":
            negated = True
            continue
        if word in _FLAGS:
            value = next(words, "")
            setattr(rule, _FLAGS[word], "" if negated else value)  # "not that one" leaves room for ours
        negated = False
    return rule


def _matches(pattern: str, names: Collection[str]) -> bool:
    return any(name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern for name in names)


def _names_bridge(pattern: str, ours: Ours) -> bool:
    return bool(pattern) and _matches(pattern, ours.bridges)


def _in_blocks(text: str, ours: Ours) -> bool:
    """Whether an address pattern speaks of our blocks, and not of everything."""
    net = IPv4Network(text, strict=False) if text else None
    return net is not None and net.prefixlen > 0 and any(net.overlaps(block) for block in ours.blocks)


def _possible(rule: _Rule, ours: Ours) -> bool:
    """Whether a packet that our policy may allow can match at all."""
    links = ours.bridges | ours.uplinks
    if any(pattern and not _matches(pattern, links) for pattern in (rule.into, rule.out)):
        return False
    return all(not text or text == "0.0.0.0/0" or _in_blocks(text, ours) for text in (rule.source, rule.destination))
