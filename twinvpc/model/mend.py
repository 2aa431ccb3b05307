"""Going on after an error: what is broken in a file is left out or stood in for, so that the rest is checked as well.

Nothing of this reaches an intent: a file that needed mending is always refused. Stand-ins are chosen so that no rule
finds fault with them except at their own place, where the real fault has been told already.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

from twinvpc.model.check_aws import UNKNOWN_REGION, UNKNOWN_ZONE
from twinvpc.model.check_flows import UNKNOWN_OPENED, UNKNOWN_OPENER
from twinvpc.model.libvirt import PortSpan
from twinvpc.model.source import KeyPath, as_mapping

Pattern = tuple[str | None, ...]
"""A path with None for any key or index."""

_FLOW = {"from": UNKNOWN_OPENER, "to": UNKNOWN_OPENED, "services": "icmp"}
_HOST = {"address": "unknown", "port": 65535, "lan": "255.255.255.255/32"}
_MACHINE = {
    "segment": "unknown",
    "vcpu": 1,
    "memory": "1 MiB",
    "disk": "1 MiB",
    "image": "unknown",
    "pool": "unknown",
    "ssh_port": 65535,
    "address": "255.255.255.255",
    "user": "unknown",
    "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
}
_DOCKER = {"pool": "255.255.255.253/32", "swarm_pool": "255.255.255.254/32"}
NETWORK_STAND_INS: Mapping[Pattern, object] = {
    ("domain",): "unknown.invalid",
    ("cidr",): "0.0.0.0/0",
    ("segments",): {UNKNOWN_OPENER: {}},
    ("segments", None): {},
    ("services",): {},
    ("services", None): "icmp",
    ("flows",): [],
    ("flows", None): _FLOW,
    **{("flows", None, key): value for key, value in _FLOW.items()},
}
STACK_STAND_INS: Mapping[Pattern, object] = {
    ("host",): _HOST,
    **{("host", key): value for key, value in _HOST.items()},
    ("docker",): _DOCKER,
    **{("docker", key): value for key, value in _DOCKER.items()},
    ("segments",): {},
    ("segments", None, "ssh_ports"): PortSpan(first=0, last=0),
    **{("machines", None, key): value for key, value in _MACHINE.items()},
    ("aws_region",): UNKNOWN_REGION,
    ("environment",): "unknown",
    ("vpc_cidr",): "0.0.0.0/0",
    ("zones",): [UNKNOWN_ZONE],
}


@dataclass(frozen=True)
class Fault:
    """A place that does not fit.

    Attributes:
        path: where it is.
        in_key: whether the key itself is wrong.
    """

    path: KeyPath
    in_key: bool


def mended(raw: object, faults: Iterable[Fault], stand_ins: Mapping[Pattern, object]) -> object:
    """A copy of a raw mapping without its faults; the deepest first, so that indexes still hold."""
    copy = deepcopy(raw)
    for fault in sorted(set(faults), key=lambda f: (len(f.path), [str(p).zfill(9) for p in f.path]), reverse=True):
        if fault.in_key:
            _remove(copy, fault.path)
        else:
            _replace(copy, fault.path, stand_ins)
    return copy


def _replace(tree: object, path: KeyPath, stand_ins: Mapping[Pattern, object]) -> None:
    """Put the stand-in there; without one, leave the place out, and where it is missing already, what holds it."""
    holder = _at(tree, path[:-1]) if path else None
    if not isinstance(holder, dict | list):  # gone already, with what held it
        return
    for pattern, stand_in in stand_ins.items():
        if _fits(path, pattern):
            cast("dict[object, object]", holder)[path[-1]] = deepcopy(stand_in)
            return
    if not _remove(tree, path):
        _replace(tree, path[:-1], stand_ins)


def _fits(path: KeyPath, pattern: Pattern) -> bool:
    return len(path) == len(pattern) and all(known in (None, part) for part, known in zip(path, pattern, strict=True))


def _at(tree: object, path: KeyPath) -> object:
    for part in path:
        items = _list(tree)
        tree = items[part] if items is not None and isinstance(part, int) else (as_mapping(tree) or {}).get(part)
    return tree


def _list(value: object) -> list[object] | None:
    """The list itself, to be changed in place."""
    return cast("list[object]", value) if isinstance(value, list) else None


def _remove(tree: object, path: KeyPath) -> bool:
    """Whether there was something to remove; keys are compared as text, as pydantic reports them."""
    holder = _at(tree, path[:-1]) if path else None
    items = _list(holder)
    if items is not None and isinstance(path[-1], int):
        del items[path[-1]]
        return True
    keys = as_mapping(holder) or {}
    found = [key for key in keys if str(key) == str(path[-1])] if path else []
    for key in found:
        del keys[key]
    return bool(found)
