"""The owner's entries in firewalld's zones and policies: what would judge packets of ours before our own zone does."""

import re
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Network, collapse_addresses

from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.survey import Entry, Survey

_OURS = "twin-vpc"
_ADDRESS = re.compile(r'\b(?:source|destination)( NOT)? address="([^"]+)"')


class _Span(StrEnum):
    """How an entry lies to our blocks and bridges."""

    APART = "apart"
    WITHIN = "within"
    WIDER = "wider"


def firewalld_entries(wish: Wish, found: Survey) -> tuple[Entry, ...]:
    """What takes packets of our bridges from our own zone, and no others: bindings, and drops in policies."""
    return tuple(one for one in found.firewalld if one.owner != _OURS and _judges(one, wish) is _Span.WITHIN)


def of_firewalld(wish: Wish, found: Survey) -> Iterator[Conflict]:
    """Every entry that means something to us."""
    for entry in found.firewalld:
        if entry.owner == _OURS:
            continue
        name = f"{entry.kind} {entry.owner} ({'at boot' if entry.scope == '--permanent' else 'now'}): {entry.value}"
        judges = _judges(entry, wish)
        if judges is _Span.WITHIN:
            why = f"this {entry.what} would judge packets of a segment before our zone does"
            yield Conflict("firewalld", name, Fate.TAKEN, why)
        elif judges is _Span.WIDER:
            yield Conflict("firewalld", name, Fate.REFUSED, f"{_wider(entry, wish)}: {_way_out(entry)}")
        elif entry.what == "rich-rule" and _speaks(entry.value, wish) is not _Span.APART:
            why = f"it acts in {entry.owner} only, and our bridges are in zone {_OURS}"
            yield Conflict("firewalld", name, Fate.STAYS, why)


def _judges(entry: Entry, wish: Wish) -> _Span:
    if entry.what == "interface":
        # Also what libvirt has bound: 9.0 leaves it when the network goes, and our own zone needs the name.
        return _Span.WITHIN if entry.value in wish.bridges.values() else _Span.APART
    if entry.what == "source":
        return _span(entry.value, wish)
    closing = entry.value.split()[-1] == "drop" or " reject" in entry.value
    return _speaks(entry.value, wish) if entry.kind == "policy" and closing else _Span.APART


def _speaks(rule: str, wish: Wish) -> _Span:
    """How a rich rule lies to our blocks: within them if its source or its destination does."""
    spans: set[_Span] = set()
    for negated, text in _ADDRESS.findall(rule):
        span = _span(text, wish)
        if negated:  # all but that: ours wholly spared, or some of it meant, and others besides
            span = _Span.APART if _covers(text, wish) else _Span.WIDER
        spans.add(span)
    if _Span.WITHIN in spans:
        return _Span.WITHIN
    return _Span.WIDER if _Span.WIDER in spans else _Span.APART


def _net(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None  # an IPv6 or MAC address, an ipset


def _span(text: str, wish: Wish) -> _Span:
    net, blocks = _net(text), tuple(collapse_addresses(wish.blocks.values()))
    if net is None or not any(net.overlaps(block) for block in blocks):
        return _Span.APART
    return _Span.WITHIN if any(net.subnet_of(block) for block in blocks) else _Span.WIDER


def _covers(text: str, wish: Wish) -> bool:
    net = _net(text)
    return net is not None and all(block.subnet_of(net) for block in wish.blocks.values())


def _wider(entry: Entry, wish: Wish) -> str:
    met = [
        f"{block} of {name}"
        for name, block in wish.blocks.items()
        for _, text in (*_ADDRESS.findall(entry.value), ("", entry.value))
        if (net := _net(text)) and net.overlaps(block)
    ]
    return f"this {entry.what} would judge packets of {', '.join(met) or 'segments'} before our zone does, and others"


def _way_out(entry: Entry) -> str:
    scope = "--permanent " if entry.scope == "--permanent" else ""
    remove = f"firewall-cmd {scope}--{entry.kind}={entry.owner} --remove-{entry.what}='{entry.value}'"
    return f"take it away with `{remove}`, and add the same for the addresses of it that are not ours"
