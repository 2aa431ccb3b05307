"""Which outputs a type of resource has, from the SDK's typed classes: what no SDK knows is refused."""

import importlib
import inspect
import types
from collections.abc import Mapping, Sequence
from enum import Enum, unique
from functools import cache
from typing import Union, cast, get_args, get_origin

import pulumi

from components.host import resources as own
from graph.errors import GraphError


@unique
class Shape(Enum):
    """What an output holds."""

    SCALAR = "text, number or switch"
    LIST = "list"
    OBJECT = "map or object"


_SCALARS = (str, int, float, bool)
_PULUMI_NAME = "_pulumi_name"
"""Where the SDK's getters keep a property's name on the wire (pulumi._types)."""
_INDEX = "index"
_OWN = {f"{own.PACKAGE}:index:{kind.__name__}": kind for kind in (own.NetworkPolicy, own.NetworkWatch)}


@cache
def outputs(token: str) -> Mapping[str, Shape]:
    """Every output of a type in camelCase, and what it holds.

    Raises:
        GraphError: no SDK of this program has such a type.
    """
    if token in _OWN:
        hints = inspect.get_annotations(_OWN[token])
        return {_camel(name): _shape(hint) for name, hint in hints.items() if get_origin(hint) is pulumi.Output}
    found: dict[str, Shape] = {}
    for name, member in vars(_class(token)).items():
        if isinstance(member, property):
            wire = cast("str", getattr(member.fget, _PULUMI_NAME, name))
            annotation = cast("object", inspect.get_annotations(member.fget)["return"]) if member.fget else None
            found[wire] = _shape(annotation)
    return found


def _class(token: str) -> type:
    """`aws:ec2/vpc:Vpc` is `Vpc` of `pulumi_aws.ec2`; `libvirt:index/pool:Pool` is `Pool` of `pulumi_libvirt`."""
    package, module, name = token.split(":")
    room = module.partition("/")[0]
    where = f"pulumi_{package}" if room == _INDEX else f"pulumi_{package}.{room}"
    try:
        kind = getattr(importlib.import_module(where), name)
    except (ImportError, AttributeError):
        raise GraphError(
            f"`{token}` is no type of an SDK that this program uses, so its outputs are not known; correct the type"
        ) from None
    return cast("type", kind)


def _shape(annotation: object) -> Shape:
    """What `Output[...]` holds, optional or not."""
    (inner,) = get_args(annotation)
    choices = get_args(inner) if get_origin(inner) in (Union, types.UnionType) else (inner,)
    (kind, *_) = [get_origin(one) or one for one in choices if one is not types.NoneType]
    if kind in _SCALARS:
        return Shape.SCALAR
    return Shape.LIST if kind in (list, Sequence) else Shape.OBJECT


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
