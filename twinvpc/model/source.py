"""A file of the owner's as it was read, before anything in it is believed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from twinvpc.model.problems import Problem, shown

KeyPath = tuple[str | int, ...]
"""Where something stands in a file: keys and indexes from the top."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_:/-]{1,64}")


@dataclass(frozen=True)
class Source:
    """One file as it was read.

    Attributes:
        file: its name as the owner knows it.
        mapping: what stands in it.
        lines: line of each path, where known; paths are tuples of keys and indexes.
        problems: what was wrong with reading it already, e.g. a key given twice.
    """

    file: str
    mapping: object
    lines: Mapping[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    problems: tuple[Problem, ...] = ()

    def problem(self, path: KeyPath, what: str, rule: str, way_out: str) -> Problem:
        """A problem of this file, with the line of the nearest known path."""
        known = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 0)
        return Problem(self.file, dotted(path), what, rule, way_out, known)

    def names(self, section: str) -> frozenset[str] | None:
        """Keys of a section as they stand there, broken items included; None where there is no such mapping."""
        keys = as_mapping((as_mapping(self.mapping) or {}).get(section))
        return None if keys is None else frozenset(str(key) for key in keys)

    def has(self, section: str) -> bool:
        """Whether the section stands there at all."""
        return section in (as_mapping(self.mapping) or {})


def as_mapping(value: object) -> dict[object, object] | None:
    """A raw value as a mapping, or None if it is none."""
    return cast("dict[object, object]", value) if isinstance(value, dict) else None


def as_items(value: object) -> list[object] | None:
    """A raw value as a list, or None if it is none."""
    return list(cast("list[object] | tuple[object, ...]", value)) if isinstance(value, list | tuple) else None


def dotted(path: Iterable[str | int]) -> str:
    """`("flows", 2, "to")` as `flows[2].to`; odd keys are escaped."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _PLAIN_KEY.fullmatch(part) else shown(part)
            text += f".{key}" if text else key
    return text
