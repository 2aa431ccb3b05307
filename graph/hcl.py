"""A Terraform JSON document in Terraform's native syntax, for scanners that do not read the other one.

checkov 3 finds no resource in `*.tf.json` (checkov/terraform/tf_parser.py), so what it reads is written from the very
document that is exported.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from graph.terraform import Json, resources_of
from graph.tokens import PROVIDERS, TARGETS, Nested, Target

_LABELLED = ("variable", "output", "provider")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
_PLAIN: dict[str, object] = {}
_OF_EVERY_RESOURCE: dict[str, object] = {"lifecycle": {"precondition": _PLAIN}}
_BARE = ("depends_on", "ignore_changes")
"""Arguments whose items are names, not text."""


def hcl(document: Json) -> str:
    """The document's text; nothing of it is left out but its comment."""
    parts: list[str] = []
    required = cast("dict[str, Mapping[str, object]]", document["terraform"])["required_providers"]
    body = {
        "required_version": cast("Json", document["terraform"])["required_version"],
        "required_providers": [required],
    }
    parts += _block("terraform", (), body, {"required_providers": {}})
    for kind in _LABELLED:
        for name, body in cast("dict[str, Json]", document.get(kind, {})).items():
            parts += _block(kind, (name,), body, _known.get(name, {}) if kind == "provider" else {})
    for kind, name, body in resources_of(document):
        parts += _block("resource", (kind, name), body, {**_known.get(kind, {}), **_OF_EVERY_RESOURCE})
    return "\n".join([*parts, ""])


def _nesting(target: Target | Nested) -> dict[str, object]:
    return {one.name: _nesting(one) for one in target.nested}


_known = {one.type: _nesting(one) for one in TARGETS.values()} | {
    one.name: _nesting(one.target) for one in PROVIDERS.values()
}


def _block(kind: str, labels: tuple[str, ...], body: Json, blocks: Mapping[str, object]) -> Iterator[str]:
    yield " ".join([kind, *(json.dumps(label) for label in labels), "{"])
    for key, value in body.items():
        if key in blocks and value != []:
            items = cast("list[Json]", value) if isinstance(value, list) else [cast("Json", value)]
            for item in items:
                yield from _indented(_block(key, (), item, cast("Mapping[str, object]", blocks[key])))
        elif key in _BARE:
            yield f"  {key} = [{', '.join(cast('list[str]', value))}]"
        elif value is not None:
            yield from _indented(f"{key} = {_value(value)}".split("\n"))
    yield "}"


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _value(value: object) -> str:
    """A value as an expression; templates in text mean the same in both syntaxes."""
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in cast('list[object]', value))}]"
    if isinstance(value, dict):
        items = cast("Json", value).items()
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in items) + "}"
    if isinstance(value, str) and (found := re.fullmatch(r"\$\{([\w.]+)\}", value)):
        return found[1]
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else json.dumps(key)
