"""What one of the owner's rules in iptables' chain FORWARD would do to packets of ours."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, collapse_addresses

from twinvpc.policy.nftables import NOT_PUBLIC
from twinvpc.policy.nftables_chains import MARK
from twinvpc.policy.routing import SIGNED

NARROWED = f"-m mark ! --mark {SIGNED}"
"""What makes a rule leave alone the packets that twin-vpc judges itself: they carry its sign in FORWARD."""
OWNERS_OF_DOCKER = "DOCKER-USER"
"""The one chain of Docker's that is meant for the owner's rules."""

_CLOSING = frozenset({"DROP", "REJECT", "QUEUE", "NFQUEUE"})
_NEVER_ALLOWED = frozenset({"INVALID", "UNTRACKED"})
"""States of packets that no gate of ours lets through anyway."""
_FLAGS = {
    "-i": "into", "--in-interface": "into", "-o": "out", "--out-interface": "out",
    "-s": "source", "--source": "source", "-d": "destination", "--destination": "destination",
    "-j": "target", "--jump": "target", "-g": "target", "--goto": "target",
    "--ctstate": "states", "--state": "states",
}  # fmt: skip
_NOT_PUBLIC = tuple(map(IPv4Network, NOT_PUBLIC))
_COUNTERS = re.compile(r"^\[\d+:\d+\]\s+")

Chains = Mapping[str, Sequence[str]]
"""Rules of each chain, in their order, as `iptables -S` prints them."""


class Meaning(StrEnum):
    """What a rule is to us."""

    NOTHING = "nothing"
    OPENS_NOTHING = "opens nothing"
    CLOSES_OURS = "closes ours and nothing else"
    CLOSES_MORE = "closes ours among others"


@dataclass(frozen=True)
class Ours:
    """What packets of ours look like in FORWARD.

    Attributes:
        bridges: names that our bridges have, will have, or had in the owner's networks.
        links: other interfaces that our policy lets packets pass: uplinks, and Docker's or Tailscale's where granted.
        blocks: the segments' blocks.
        beyond: addresses that are neither ours nor public, and that a packet of ours may come from or go to.
    """

    bridges: frozenset[str]
    links: frozenset[str]
    blocks: tuple[IPv4Network, ...]
    beyond: tuple[IPv4Network, ...] = ()

    def holds(self, net: IPv4Network) -> bool:
        """Whether a block lies wholly within ours."""
        return any(net.subnet_of(block) for block in collapse_addresses(self.blocks))

    def may_be_beyond(self, net: IPv4Network) -> bool:
        """Whether an address outside our blocks, that a packet of ours may speak of, lies in a block."""
        public = not any(net.subnet_of(private) for private in _NOT_PUBLIC)
        return public or any(net.overlaps(one) for one in self.beyond)


@dataclass
class _Rule:
    into: str = ""
    out: str = ""
    source: str = ""
    destination: str = ""
    target: str = ""
    mark: str = ""
    states: str = ""
    negated: set[str] = field(default_factory=set[str])

    def link(self, flag: str, name: str) -> bool:
        """Whether an interface can match."""
        pattern: str = getattr(self, flag)
        hit = name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern
        return not pattern or hit != (flag in self.negated)

    def net(self, flag: str) -> IPv4Network | None:
        """The block that addresses are compared with, or none."""
        try:
            return IPv4Network(getattr(self, flag), strict=False)
        except ValueError:
            return None  # not said; or a list or a name, as only a file written by hand has them

    def block(self, flag: str, block: IPv4Network) -> bool:
        """Whether an address of a block can match."""
        net = self.net(flag)
        if net is None:
            return True
        return not block.subnet_of(net) if flag in self.negated else net.overlaps(block)

    def beyond(self, flag: str, ours: Ours) -> bool:
        """Whether an address outside our blocks can match."""
        net = self.net(flag)
        return net is None or flag in self.negated or ours.may_be_beyond(net)

    @property
    def never_ours(self) -> bool:
        """Whether it leaves alone whatever our gates let through: it asks for no sign, or for a state they refuse."""
        if self.states and "states" not in self.negated and set(self.states.split(",")) <= _NEVER_ALLOWED:
            return True
        value, _, mask = self.mark.partition("/")
        held, asked = int(value or "0", 0), int(mask or "0xffffffff", 0)
        if "mark" in self.negated:
            return (held, asked) == (MARK, MARK)
        return bool(self.mark) and bool(asked & MARK) and not held & MARK


def meaning(text: str, ours: Ours, chains: Chains) -> Meaning:
    """What a rule means for us, with all that it leads to.

    A packet has to be let through by every chain on its way. So no accept of the owner's opens what our gates close,
    but a drop closes what they open.

    Args:
        text: as `iptables -S FORWARD` prints it.
        ours: what our packets look like.
        chains: what it may jump to.
    """
    rule = _parsed(text)
    if rule.target == "ACCEPT":
        return Meaning.OPENS_NOTHING if _names_ours(rule, ours) else Meaning.NOTHING
    if not closing(text, ours, chains):
        return Meaning.NOTHING
    return Meaning.CLOSES_OURS if is_wholly_ours(text, ours) else Meaning.CLOSES_MORE


def closing(text: str, ours: Ours, chains: Chains) -> tuple[str, ...]:
    """The rules that close something of ours behind a rule of FORWARD: itself, or those of chains that it leads to."""
    return tuple(dict.fromkeys(path[-1] for path in _paths((text,), chains) if _possible(path, ours)))


def is_wholly_ours(text: str, ours: Ours) -> bool:
    """Whether every packet that a rule can match comes from a bridge or block of ours, or goes to one.

    A pattern such as `virbr+` or `10.0.0.0/8` covers other networks too, so it never is.
    """
    rule = _parsed(text)
    named = any(flag not in rule.negated and getattr(rule, flag) in ours.bridges for flag in ("into", "out"))
    nets = [(flag, rule.net(flag)) for flag in ("source", "destination") if flag not in rule.negated]
    return named or any(net is not None and ours.holds(net) for _, net in nets)


def narrowed(text: str) -> str:
    """The same rule, but for packets that twin-vpc judges itself."""
    sign = next(one for one in (" -j ", " -g ") if one in text)
    head, _, tail = text.partition(sign)
    return f"{head} {NARROWED}{sign}{tail}"


def filter_rules(lines: Iterable[str]) -> tuple[str, ...]:
    """Rules of the table `filter` in a file that iptables-save wrote, without counters."""
    found: list[str] = []
    table = "*filter"
    for line in lines:
        table = line.strip() if line.startswith("*") else table
        if table == "*filter" and (rule := _COUNTERS.sub("", line.strip())).startswith("-A "):
            found.append(rule)
    return tuple(found)


def by_chain(rules: Iterable[str]) -> Chains:
    """The rules of each chain."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        if rule.startswith("-A "):
            found.setdefault(rule.split()[1], []).append(rule)
    return found


def _paths(path: tuple[str, ...], chains: Chains) -> Iterator[tuple[str, ...]]:
    """Every way from a rule to one that closes. Chains that Docker and libvirt keep are followed by nobody."""
    target = _parsed(path[-1]).target
    if target in _CLOSING:
        yield path
    elif target == OWNERS_OF_DOCKER or not target.startswith(("DOCKER", "LIBVIRT_")):
        for inner in chains.get(target, ()):
            if inner not in path:
                yield from _paths((*path, inner), chains)


def _parsed(text: str) -> _Rule:
    rule, negated, module = _Rule(), False, ""
    words = iter(shlex.split(text))
    for word in words:
        if word == "!":
            negated = True
            continue
        if word == "-m":
            module = next(words, "")
        name = "mark" if (module, word) == ("mark", "--mark") else _FLAGS.get(word)  # connmark has a --mark as well
        if name:
            setattr(rule, name, next(words, ""))
            if negated:
                rule.negated.add(name)
        negated = False
    return rule


def _names_ours(rule: _Rule, ours: Ours) -> bool:
    """Whether a rule speaks of our bridges or blocks, and not of everything."""
    said = {flag for flag in ("into", "out", "source", "destination") if getattr(rule, flag)} - rule.negated
    links = any(rule.link(flag, one) for flag in said & {"into", "out"} for one in ours.bridges)
    nets = [net for flag in said & {"source", "destination"} if (net := rule.net(flag)) and net.prefixlen]
    return links or any(net.overlaps(block) for net in nets for block in ours.blocks)


def _possible(path: Sequence[str], ours: Ours) -> bool:
    """Whether a packet that our policy may allow can match all of these rules: from a segment, or to one."""
    rules = [_parsed(text) for text in path]
    if any(rule.never_ours for rule in rules):
        return False

    def passes(flag: str, names: Iterable[str]) -> bool:
        return any(all(rule.link(flag, name) for rule in rules) for name in names)

    def inside(link: str, address: str) -> bool:
        blocks = any(all(rule.block(address, block) for rule in rules) for block in ours.blocks)
        return blocks and passes(link, ours.bridges)

    def outside(link: str, address: str) -> bool:
        return passes(link, ours.links) and all(rule.beyond(address, ours) for rule in rules)

    begins, ends = inside("into", "source"), inside("out", "destination")
    return (begins and (ends or outside("out", "destination"))) or (ends and outside("into", "source"))
