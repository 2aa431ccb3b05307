"""Strangers' policy-routing rules that are asked before ours, and so could lead packets round the second wall."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any, cast

from providers.host.policy import Policy

FIRST = 1001
"""Our first preference, as in `shell/load.sh`."""
_HARMLESS = frozenset({"nop", "goto", "l3mdev"})
"""Rules that look nothing up by themselves; `l3mdev` asks for links of a VRF only, and ours are in none."""


def earlier_rules(policy: Policy, listing: str) -> Iterator[str]:
    """Sentences that name each rule of preference 1 to 1000 which packets of our segments could match.

    Args:
        policy: the policy whose bridges and blocks are meant.
        listing: what `ip -4 -j rule` says.
    """
    rules = cast("list[dict[str, Any]]", json.loads(listing or "[]"))
    for rule in rules:
        if 0 < rule["priority"] < FIRST and _leads(rule) and _may_meet(rule, policy):
            yield (
                f"the routing rule {rule['priority']} ({_words(rule)}) is asked before ours and may lead the segments' "
                "packets elsewhere; give it a preference above 5200, or limit it with `iif` to a link of its own"
            )


def _leads(rule: dict[str, Any]) -> bool:
    return "action" not in rule and not _HARMLESS & rule.keys()


def _may_meet(rule: dict[str, Any], policy: Policy) -> bool:
    """Whether a packet from or to a segment, with no mark but ours, could match; in doubt it could."""
    marks = int(str(rule.get("fwmark", "0")), 0)
    ours = int(policy.mark.partition("/")[0], 0)
    if "not" in rule:
        return True
    if marks & ~ours or rule.get("oif") or rule.get("iif") == "lo":
        return False
    blocks = [IPv4Network(block) for block in policy.blocks.values()]
    source, destination = _network(rule, "src"), _network(rule, "dst")
    leaves = rule.get("iif") in {None, *policy.all_bridges} and any(source.overlaps(block) for block in blocks)
    return leaves or ("dst" in rule and any(destination.overlaps(block) for block in blocks))


def _network(rule: dict[str, Any], end: str) -> IPv4Network:
    address = str(rule.get(end, "all"))
    if address in {"all", "default"}:
        return IPv4Network("0.0.0.0/0")
    return IPv4Network(f"{address}/{rule.get(f'{end}len', 32)}", strict=False)


def _words(rule: dict[str, Any]) -> str:
    """The rule much as `ip rule` writes it."""
    said = ["not"] if "not" in rule else []
    said.append(f"from {'all' if rule.get('src') == 'all' else _network(rule, 'src')}")
    if "dst" in rule:
        said.append(f"to {_network(rule, 'dst')}")
    said += [f"{name} {rule[name]}" for name in ("iif", "fwmark") if name in rule]
    return " ".join([*said, f"lookup {rule.get('table', '?')}"])
