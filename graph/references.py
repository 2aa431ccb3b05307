"""References between recorded resources: text that stands where the engine would put a value it learns later."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from twinvpc.proof.aws.resources import Reference

# A list or a map has `[]` behind its name: an element, of nobody knows how many.
_REFERENCE = re.compile(r"ref:(?P<token>[\w-]+:[\w/-]+:\w+)::(?P<name>[\w./-]+)#(?P<output>\w+(?:\[\])?)")


def replace(text: str, by: Callable[[Reference], str], rest: Callable[[str], str]) -> str:
    """A text with every reference replaced, and what stands between them passed through `rest`."""
    parts: list[str] = []
    at = 0
    for found in _REFERENCE.finditer(text):
        parts += [rest(text[at : found.start()]), by(Reference(**found.groupdict()))]
        at = found.end()
    return "".join([*parts, rest(text[at:])])


def references(value: object) -> Iterator[Reference]:
    """Every reference in a recorded value, however deep."""
    if isinstance(value, str):
        yield from (Reference(**found.groupdict()) for found in _REFERENCE.finditer(value))
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, object]", value).values():
            yield from references(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from references(item)
