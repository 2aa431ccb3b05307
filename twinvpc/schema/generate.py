"""The schemas of network.yaml and of the stack files, as text."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from inspect import cleandoc, getdoc
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from twinvpc.model.aws import AwsStack
from twinvpc.model.base import ConfigModel
from twinvpc.model.files import PREFIX
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.network import Network
from twinvpc.schema.rules import RULES

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What the YAML language server of most editors speaks."""

_KINDS: Mapping[str, type[ConfigModel]] = {"libvirt": LibvirtStack, "aws": AwsStack}
_ATTRIBUTE = re.compile(r"^(?: {4})?(\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)
# Limits behind a validator of ours: pydantic cannot place them, and the validator's rule has them already.
_STRAYS = ("ge", "le", "minLength")
_AS_TEXT = {"integer": "^[0-9]+$", "boolean": "^(?:true|false)$"}
_PULUMIS_OWN = {  # the other keys that Pulumi 3 reads at the top of a stack file
    "encryptionsalt": "Salt of the passphrase, written by `pulumi stack init`. Commit it.",
    "secretsprovider": "What guards secrets, written by Pulumi. Commit it.",
    "encryptedkey": "Key of the secrets provider, encrypted, written by Pulumi. Commit it.",
}


class UnknownRuleError(Exception):
    """A validator of the models has no counterpart in `twinvpc.schema.rules`."""


class _Generator(GenerateJsonSchema):
    """pydantic's own, with our validators' rules, names of keys, and what docstrings say."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        name = getattr(schema["function"]["function"], "__name__", "")
        if name not in RULES:
            raise UnknownRuleError(f"validator `{name}`: add to twinvpc/schema/rules.py what it accepts")
        return deepcopy(RULES[name])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made: JsonSchemaValue = {"type": "object"}
        if "keys_schema" in schema:
            made["propertyNames"] = self.generate_inner(schema["keys_schema"])
        if "values_schema" in schema:
            made["additionalProperties"] = self.generate_inner(schema["values_schema"])
        if "min_length" in schema:
            made["minProperties"] = schema["min_length"]
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        summary, said = _documented(schema["cls"])
        made["description"] = summary
        fields: Mapping[str, Any] = schema["cls"].model_fields
        for name, field in fields.items():
            key = field.alias or name
            own = made["properties"][key]
            for stray in _STRAYS:
                own.pop(stray, None)
            own |= {"title": key, "description": said.get(name, summary)}
        return made


def network_schema() -> str:
    """The schema of network.yaml, as a file's text."""
    return _as_file(Network.model_json_schema(schema_generator=_Generator), "network.yaml")


def stack_schema() -> str:
    """The schema of Pulumi.<stack>.yaml, as a file's text: keys with their prefix, by kind.

    Pulumi lets any value be text that is YAML in itself (`pulumi config set` writes it so). The schema knows that form
    for numbers alone; a mapping or a list is to be written as one.
    """
    _, whole = models_json_schema([(model, "validation") for model in _KINDS.values()], schema_generator=_Generator)
    parts: dict[str, JsonSchemaValue] = whole["$defs"]
    for model in _KINDS.values():
        parts[model.__name__] = _prefixed(parts[model.__name__])
    kind = f"{PREFIX}kind"
    config: JsonSchemaValue = {
        "type": "object",
        "title": "config",
        "description": f"Settings of the stack. Only `{PREFIX}` and `pulumi:` keys are read: providers are explicit.",
        "required": [kind],
        "properties": {kind: {"enum": list(_KINDS), "title": kind, "description": "What the stack is built on."}},
        "allOf": [
            {"if": _has(kind, name), "then": {"$ref": f"#/$defs/{model.__name__}"}} for name, model in _KINDS.items()
        ],
    }
    own: JsonSchemaValue = {
        key: {"type": "string", "title": key, "description": text} for key, text in _PULUMIS_OWN.items()
    }
    own["environment"] = {"title": "environment", "description": "Environments of Pulumi ESC, if any."}
    stack: JsonSchemaValue = {
        "$defs": parts,
        "type": "object",
        "description": "What only one stack knows.",
        "required": ["config"],
        "properties": {"config": config, **own},
        "additionalProperties": False,
    }
    return _as_file(stack, "Pulumi.<stack>.yaml")


FILES = {"network.schema.json": network_schema, "stack.schema.json": stack_schema}
"""The schemas, by the names of their files."""


def _has(key: str, value: str) -> JsonSchemaValue:
    return {"required": [key], "properties": {key: {"const": value}}}


def _prefixed(model: JsonSchemaValue) -> JsonSchemaValue:
    """A stack model as it stands under `config`."""
    properties = {f"{PREFIX}{key}": _or_text(schema) for key, schema in model["properties"].items()}
    for key, schema in properties.items():
        schema["title"] = key
    return {
        **model,
        "properties": properties,
        "required": [f"{PREFIX}{key}" for key in model["required"]],
        "patternProperties": {"^pulumi:": {"description": "A setting of Pulumi's own."}},
    }


def _or_text(schema: JsonSchemaValue) -> JsonSchemaValue:
    """A number or a switch may stand in quotes, as `pulumi config set` writes it."""
    pattern = _AS_TEXT.get(schema.get("type", ""))
    if pattern is None:
        return schema
    said = {key: schema.pop(key) for key in ("title", "description", "default") if key in schema}
    return {"anyOf": [schema, {"type": "string", "pattern": pattern}], **said}


def _documented(model: type) -> tuple[str, dict[str, str]]:
    """The docstring's first part, and what it says of each attribute, in one line each."""
    text, _, attributes = cleandoc(getdoc(model) or "").partition("Attributes:\n")
    said = {name: _sentence(words) for name, words in _ATTRIBUTE.findall(attributes)}
    return " ".join(text.split()), said


def _sentence(words: str) -> str:
    text = " ".join(words.split())
    return f"{text[0].upper()}{text[1:]}"


def _as_file(schema: JsonSchemaValue, title: str) -> str:
    return json.dumps({"$schema": DIALECT, **schema, "title": title}, indent=2, ensure_ascii=False) + "\n"
