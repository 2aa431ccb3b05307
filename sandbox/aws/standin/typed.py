"""What the pinned SDK's typed classes say of a resource: its inputs, which are required, and their types.

The classes come from the same schema as the official plugin, so an input that they do not know, the plugin would
refuse as well.
"""

import importlib
import inspect
import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin

import pulumi

from sandbox.aws.standin.values import UNKNOWN

_SDK: Any = importlib.import_module("pulumi._types")
"""The SDK's own tables of names and types; there is no public form of them."""

_TOKEN = re.compile(r"aws:(?P<module>\w+)/\w+:(?P<name>\w+)")


class UnknownTypeError(ValueError):
    """A resource type that the SDK does not have."""


@dataclass(frozen=True)
class Field:
    """One input of a typed class.

    Attributes:
        kind: its type, as the SDK annotates it.
        required: whether it must be given.
    """

    kind: object
    required: bool


def inputs_of(token: str) -> Mapping[str, Field]:
    """The inputs of a resource type by their names on the wire.

    Args:
        token: such as `aws:ec2/vpc:Vpc`.

    Raises:
        UnknownTypeError: the SDK has no such type.
    """
    found = _TOKEN.fullmatch(token)
    if not found:
        raise UnknownTypeError(f"{token} is no type of the AWS provider")
    try:
        module = importlib.import_module(f"pulumi_aws.{found['module']}")
        return _fields(getattr(module, f"{found['name']}Args"))
    except (ImportError, AttributeError):
        raise UnknownTypeError(f"the pinned SDK has no type {token}") from None


def _fields(cls: type) -> dict[str, Field]:
    kinds = cast("Mapping[str, object]", _SDK.input_type_types(cls))
    wire = cast("Mapping[str, str]", _SDK.input_type_py_to_pulumi_names(cls))
    parameters = inspect.signature(cls.__init__).parameters
    required = {
        wire[name] for name, one in parameters.items() if name in wire and one.default is inspect.Parameter.empty
    }
    return {name: Field(kind, name in required) for name, kind in kinds.items()}


def faults(token: str, given: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Everything that the typed class would not allow, as property and reason.

    Args:
        token: the resource type.
        given: its inputs, by their names on the wire.

    Raises:
        UnknownTypeError: the SDK has no such type.
    """
    yield from _faults(inputs_of(token), given, "")


def _faults(fields: Mapping[str, Field], given: Mapping[str, object], where: str) -> Iterator[tuple[str, str]]:
    for name in sorted(given.keys() - fields.keys()):
        yield f"{where}{name}", f"there is no such input; known are {', '.join(sorted(fields))}"
    for name, field in fields.items():
        value = given.get(name)
        if value is None:
            if field.required:
                yield f"{where}{name}", "required, and not given"
        else:
            yield from _misfits(field.kind, value, f"{where}{name}")


def _misfits(kind: object, value: object, where: str) -> Iterator[tuple[str, str]]:
    """What does not fit a type; an unknown value fits every type, and one of several types is enough."""
    if value is UNKNOWN or kind is Any:
        return
    found = [list(_misfits_one(one, value, where)) for one in _alternatives(kind)]
    yield from min(found, key=len)


def _misfits_one(kind: object, value: object, where: str) -> Iterator[tuple[str, str]]:
    origin = get_origin(kind)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            yield where, f"{value!r} is no map"
            return
        for key, item in cast("Mapping[str, object]", value).items():
            yield from _misfits(get_args(kind)[1], item, f"{where}.{key}")
    elif origin is not None and issubclass(origin, Sequence):
        if not isinstance(value, list):
            yield where, f"{value!r} is no list"
            return
        for number, item in enumerate(cast("list[object]", value)):
            yield from _misfits(get_args(kind)[0], item, f"{where}[{number}]")
    elif isinstance(kind, type) and _SDK.is_input_type(kind):
        if not isinstance(value, Mapping):
            yield where, f"{value!r} is no {kind.__name__}"
            return
        yield from _faults(_fields(kind), cast("Mapping[str, object]", value), f"{where}.")
    elif not _fits(kind, value):
        yield where, f"{value!r} is no {getattr(kind, '__name__', kind)}"


def _fits(kind: object, value: object) -> bool:
    """Numbers travel as floats; a whole one is an int. A truth value is no number."""
    if kind is int:
        return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(kind, type) and isinstance(value, kind)


def _alternatives(kind: object) -> list[object]:
    """`Input[Optional[X]]` is a union of X, outputs and awaitables of it, and None; only X counts, or each of several.

    A typed dictionary says the same as the class of its name, and is left to that.
    """
    if get_origin(kind) not in (Union, UnionType):
        return [kind]
    arguments = [one for one in get_args(kind) if one is not NoneType and not _is_wrapped(one)]
    return [one for argument in arguments for one in _alternatives(argument)]


def _is_wrapped(kind: object) -> bool:
    name = getattr(kind, "__forward_arg__", "") or getattr(kind, "__name__", "")
    return get_origin(kind) in (pulumi.Output, Awaitable) or name.startswith("Output") or name.endswith("ArgsDict")
