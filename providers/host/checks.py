"""What is refused about a policy before the host hears of it.

Everything here is rendered by our own program, so each rule is a second line of defence: nothing that these patterns
let through can mean more to a shell, to `ip -batch` or to nft than the word that it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import cast

from providers.host.connection import config_key, port_number

MAX_ROUTING_RULES = 4000
"""Room of one block of preferences; `shell/load.sh` puts two rules on each."""

KINDS: Mapping[str, str] = {
    "ruleset": "text",
    "held": "text",
    "uplinks": "list of texts",
    "routingRules": "list of texts",
    "routingRules6": "list of texts",
    "bridges": "list of texts",
    "retiredBridges": "list of texts",
    "blocks": "map of texts",
    "mark": "text",
    "forwardedPorts": "list of texts",
    "zone": "text",
    "zonePolicies": "map of texts",
    "sysctl": "text",
}
"""Every input of the resource by its name on the wire."""
REQUIRED = ("ruleset", "held", "routingRules", "bridges", "mark")
"""The inputs that have no default."""

_INTERFACE = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}")
_RULE = re.compile(r"[A-Za-z0-9_.:/-]+( [A-Za-z0-9_.:/-]+)*")
_RESERVED_WORDS = frozenset({"pref", "preference", "priority", "order", "protocol", "proto"})
_MARK = re.compile(r"0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}")
_POLICY_NAME = re.compile(r"twin-vpc[a-z0-9-]{0,10}")
_TABLE = re.compile(r"\btable\s+(\w+)\s+(\w+)")
_OUR_TABLES = {
    "ruleset": (("inet", "twin_vpc"), ("inet", "twin_vpc_host")),
    "held": (("inet", "twin_vpc_held"),),
}
_OWNED = re.compile(r"^\s*flags owner$", re.MULTILINE)
_FORBIDDEN = re.compile(r"\bflush\s+ruleset\b|\binclude\b|\bdefine\s+uplinks\b")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the property's name on the wire, and a sentence."""

    name: str
    text: str


def problems(inputs: Mapping[str, object]) -> tuple[Problem, ...]:
    """Everything that is wrong with the inputs, all at once.

    Args:
        inputs: plain values by their names on the wire. Values that are not known yet (preview) are left out by the
            caller and named in no problem, except that a required one must be somewhere.
    """
    found = [
        Problem(name, f"unknown property {name}; known are {', '.join(KINDS)}")
        for name in sorted(set(inputs) - set(KINDS))
    ]
    for name, kind in KINDS.items():
        value = inputs.get(name)
        if value is not None and not _is_a(kind, value):
            found.append(Problem(name, f"{name} must be a {kind}"))
    if found:
        return tuple(found)
    return (*_texts(inputs), *_names(inputs), *_relations(inputs), *_rules(inputs))


def _is_a(kind: str, value: object) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "list of texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))
        case _:
            return isinstance(value, dict) and all(
                isinstance(item, str) for item in cast("dict[str, object]", value).values()
            )


def _list(inputs: Mapping[str, object], name: str) -> Sequence[str]:
    return cast("Sequence[str]", inputs.get(name) or ())


def _texts(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name in ("ruleset", "held", "zone", "sysctl"):
        if "\x00" in str(inputs.get(name) or ""):
            yield Problem(name, f"{name} holds a zero byte")
    for name, ours in _OUR_TABLES.items():
        text = inputs.get(name)
        if isinstance(text, str):
            yield from _rule_set(name, text, ours)
    held = inputs.get("held")
    if isinstance(held, str) and not _OWNED.search(held):
        yield Problem("held", "held has no line `flags owner`: a flush would take it like the two other tables")
    mark = inputs.get("mark")
    if isinstance(mark, str) and not _MARK.fullmatch(mark):
        yield Problem("mark", f"mark {mark!r} is not written as value/mask in hexadecimal, like 0x1000000/0x1000000")


def _rule_set(name: str, text: str, ours: tuple[tuple[str, str], ...]) -> Iterator[Problem]:
    if not text.strip():
        yield Problem(name, f"{name} is empty: nothing would be denied")
    if match := _FORBIDDEN.search(text):
        yield Problem(name, f"{name} holds `{match[0]}`: it may only speak of our own tables")
    for table in sorted({(m[1], m[2]) for m in _TABLE.finditer(text)} - set(ours)):
        known = " and ".join(map(" ".join, ours))
        yield Problem(name, f"{name} names table {' '.join(table)}: what belongs there is {known}")


def _names(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name in ("bridges", "retiredBridges", "uplinks"):
        names = _list(inputs, name)
        for interface in names:
            if not _INTERFACE.fullmatch(interface):
                yield Problem(
                    name, f"{interface!r} is no interface name: at most 15 letters, digits, dots, hyphens, underscores"
                )
        for interface in sorted({item for item in names if names.count(item) > 1}):
            yield Problem(name, f"{interface} stands more than once in {name}")
    for port in _list(inputs, "forwardedPorts"):
        if port_number(port) is None:
            yield Problem("forwardedPorts", f"{port!r} is no port; a whole number from 1 to 65535")
    for policy in cast("Mapping[str, str]", inputs.get("zonePolicies") or {}):
        if not _POLICY_NAME.fullmatch(policy):
            yield Problem(
                "zonePolicies",
                f"{policy!r} is no name for a firewalld policy of ours: twin-vpc…, at most 18 characters",
            )


def _relations(inputs: Mapping[str, object]) -> Iterator[Problem]:
    ours = [*_list(inputs, "bridges"), *_list(inputs, "retiredBridges")]
    for uplink in _list(inputs, "uplinks"):
        if uplink in ours:
            yield Problem("uplinks", uplink_is_bridge(uplink))
    for bridge in _list(inputs, "retiredBridges"):
        if bridge in _list(inputs, "bridges"):
            yield Problem("retiredBridges", f"{bridge} is in use and retired at once")
    for bridge, block in cast("Mapping[str, str]", inputs.get("blocks") or {}).items():
        if bridge not in ours:
            yield Problem("blocks", f"{bridge} has the block {block}, but is none of our bridges")
        try:
            IPv4Network(block)
        except ValueError as error:
            yield Problem("blocks", f"{bridge} has no IPv4 block: {error}")


def _rules(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name in ("routingRules", "routingRules6"):
        rules = _list(inputs, name)
        if len(rules) > MAX_ROUTING_RULES:
            yield Problem(name, f"{len(rules)} rules; a block of preferences has room for {MAX_ROUTING_RULES}")
        for rule in rules:
            if not _RULE.fullmatch(rule):
                yield Problem(name, f"{rule!r} is no policy-routing rule: plain words with single blanks between them")
            elif taken := sorted(_RESERVED_WORDS & set(rule.split())):
                yield Problem(name, f"{rule!r} says `{taken[0]}`: preference and protocol are given by the loader")


def uplink_is_bridge(uplink: str) -> str:
    """The sentence for an uplink that is one of our own bridges."""
    return (
        f"{config_key('uplinks')}: {uplink} is one of our own bridges; an uplink leads out of the host. "
        "Name the interface that holds the default route, or leave the list empty"
    )
