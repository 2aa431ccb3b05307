"""pydantic's errors in the words of ours: where, what, the rule, and the way out."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import chain

from pydantic_core import ErrorDetails

from twinvpc.model.aws import AwsStack, Quotas, Usage
from twinvpc.model.base import ConfigModel
from twinvpc.model.libvirt import Docker, Host, LibvirtStack, SegmentAddresses, Tailnet
from twinvpc.model.machines import DataDisk, Image, Limits, Machine
from twinvpc.model.network import Flow, Network, Segment
from twinvpc.model.problems import Problem, Rejected, shown
from twinvpc.model.source import KeyPath, Source, dotted

_FILES: Mapping[type[ConfigModel], tuple[type[ConfigModel], ...]] = {
    Network: (Network, Segment, Flow),
    LibvirtStack: (LibvirtStack, Host, Docker, Tailnet, SegmentAddresses, Image, Machine, DataDisk, Limits),
    AwsStack: (AwsStack, Quotas, Usage),
}


def known_keys(file: type[ConfigModel]) -> frozenset[str]:
    """Every key that some model of a file reads; the file is named by the model of all of it."""
    fields = chain.from_iterable(model.model_fields.items() for model in _FILES[file])
    return frozenset(field.alias or name for name, field in fields)


_RULES = {
    "model_type": "keys and values belong here",
    "dict_type": "keys and values belong here",
    "tuple_type": "a list belongs here",
    "int_type": "a whole number belongs here",
    "too_short": "at least one is needed here",
}


def path_of(detail: ErrorDetails) -> KeyPath:
    """Where the error is in the file; pydantic marks an error in a key by a step of its own."""
    location = detail["loc"]
    return location[:-1] if location[-1:] == ("[key]",) else location


def is_about_key(detail: ErrorDetails) -> bool:
    """Whether a key itself is wrong, and not what stands behind it."""
    return detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",)


def problem_of(source: Source, file: type[ConfigModel], detail: ErrorDetails) -> Problem:
    """One of pydantic's errors as a problem of the file."""
    path = path_of(detail)
    rejected = detail.get("ctx", {}).get("error")
    if isinstance(rejected, Rejected):
        return source.problem(path, rejected.what, rejected.rule, rejected.way_out)
    place = dotted(path) or source.file
    name = dotted(path[-1:]) or source.file
    match detail["type"]:
        case "extra_forbidden":
            close = get_close_matches(name, known_keys(file), 1)
            way_out = f"remove it, or write `{close[0]}`" if close else "remove it, or correct its spelling"
            return source.problem(path, f"unknown key `{name}`", "only the documented keys are read", way_out)
        case "missing":
            return source.problem(path, f"`{name}` is missing", "this key is required", f"add `{place}`")
        case kind:
            rule = _RULES.get(kind, detail["msg"])
            return source.problem(path, f"{shown(detail['input'])} does not fit", rule, f"correct `{place}`")
