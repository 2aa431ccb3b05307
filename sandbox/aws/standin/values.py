"""Between Pulumi's property values and plain JSON values."""

from collections.abc import Mapping
from typing import Final, cast

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN_TEXT

Props = dict[str, object]
"""Properties of a resource by their names on the wire, plain."""


class _Unknown:
    """What is known only after another resource has been made."""

    def __repr__(self) -> str:
        return "(not known yet)"


UNKNOWN: Final = _Unknown()


def plain(values: Mapping[str, PropertyValue]) -> Props:
    """Plain values by name; nulls are left out, unknown ones are `UNKNOWN`."""
    found = {name: _plain(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: PropertyValue) -> object:
    inner = value.value
    if isinstance(inner, Computed) or inner == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(inner, tuple):
        return [_plain(item) for item in inner]
    if isinstance(inner, Mapping):
        return {name: _plain(item) for name, item in inner.items()}
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    return inner


def is_known(value: object) -> bool:
    """Whether nothing in a value is unknown."""
    if isinstance(value, list):
        return all(is_known(item) for item in cast("list[object]", value))
    if isinstance(value, Mapping):
        return all(is_known(item) for item in cast("Mapping[str, object]", value).values())
    return value is not UNKNOWN


def properties(values: Mapping[str, object]) -> dict[str, PropertyValue]:
    """Property values by name."""
    return {name: _value(value) for name, value in values.items()}


def _value(value: object) -> PropertyValue:
    if value is UNKNOWN:
        return PropertyValue(UNKNOWN_TEXT)  # pulumi 3.259 has no way to send its own `Computed`
    if isinstance(value, bool | str):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, list | tuple):
        return PropertyValue([_value(item) for item in cast("list[object]", value)])
    if isinstance(value, Mapping):
        return PropertyValue({name: _value(item) for name, item in cast("Mapping[str, object]", value).items()})
    raise TypeError(f"{type(value).__name__} is no property value")
