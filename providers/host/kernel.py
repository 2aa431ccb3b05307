"""What the kernel holds of ours, in a form that changes only when somebody changes it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from providers.host.policy import IN_FORCE

_VOLATILE = frozenset({"handle", "packets", "bytes", "used", "expires"})
"""Fields that differ from load to load, or count."""


def canonical(show: str) -> Mapping[str, str]:
    """Objects by name from the output of `load show`: chains, sets, rules in their order, policy-routing rules.

    Args:
        show: as `load show` prints it.
    """
    objects: dict[str, str] = {}
    section = ""
    for line in show.splitlines():
        if line.startswith(("table inet ", "ip rule", "ip -6 rule")):
            section = line
            objects[section] = ""
        elif line.startswith("{"):
            objects |= _table(section, json.loads(line))
        else:
            objects[section] += line + "\n"
    return objects


def digest(show: str) -> str:
    """`sha256:` and a digest over everything that `load show` printed, counters and handles aside."""
    text = json.dumps(sorted(canonical(show).items()))
    return IN_FORCE + hashlib.sha256(text.encode()).hexdigest()


def differences(live: str, wanted: str) -> tuple[str, ...]:
    """Sentences that name each object in which the kernel differs from what the files stand for."""
    return tuple(_compare(canonical(live), canonical(wanted)))


def _compare(live: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    for name in wanted:
        if live.get(name) == wanted[name]:
            continue
        if live.get(name, "").strip() == "missing":
            yield f"{name} is missing"
        elif name not in live:
            if live.get(_section(name), "").strip() != "missing":
                yield f"{name} is missing"
        elif not name.startswith("ip "):
            yield f"{name} differs"
        else:
            yield from _compare_lines(name, live[name].splitlines(), wanted[name].splitlines())
    for name in live:
        if name not in wanted:
            yield f"{name} is not ours"


def _compare_lines(name: str, live: list[str], wanted: list[str]) -> Iterator[str]:
    said = False
    for line in wanted:
        if line not in live:
            said = True
            yield f"{name}: `{_short(line)}` is missing"
    for line in live:
        if line not in wanted:
            said = True
            yield f"{name}: `{_short(line)}` is not ours"
    if not said:
        yield f"{name}: the order differs"


def _short(line: str) -> str:
    return line.removesuffix(" proto kernel").removeprefix("from all ")


def _section(name: str) -> str:
    return name.partition(": ")[0]


def _table(section: str, listing: dict[str, Any]) -> dict[str, str]:
    objects: dict[str, str] = {section: ""}
    for entry in cast("list[dict[str, dict[str, Any]]]", listing["nftables"]):
        kind, body = next(iter(entry.items()))
        if kind in {"metainfo", "table"}:
            continue
        if kind == "set" and "dynamic" in body.get("flags", []):
            body.pop("elem", None)
        of = f"chain {body['chain']}" if kind == "rule" else f"{kind} {body.get('name')}"
        name = f"{section}: {of}"
        objects[name] = objects.get(name, "") + json.dumps(_stable(body), sort_keys=True) + "\n"
    return objects


def _stable(value: object) -> object:
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {
            name: _set(inner) if name == "elem" else _stable(inner) for name, inner in pairs if name not in _VOLATILE
        }
    if isinstance(value, list):
        return [_stable(item) for item in cast("list[object]", value)]
    return value


def _set(elements: object) -> object:
    return sorted(json.dumps(element, sort_keys=True) for element in cast("list[object]", elements))
