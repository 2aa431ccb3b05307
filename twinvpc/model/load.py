"""From raw mappings to a checked intent, with every error in all files at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from twinvpc.model.aws import AwsStack
from twinvpc.model.base import ConfigModel
from twinvpc.model.check_aws import check_aws, check_egress
from twinvpc.model.check_libvirt import check_libvirt
from twinvpc.model.check_machines import check_machines
from twinvpc.model.check_network import check_network, check_stack_segments
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.mend import NETWORK_STAND_INS, STACK_STAND_INS, Fault, Pattern, mended
from twinvpc.model.network import Network
from twinvpc.model.problems import InvalidInputError, Problem, shown
from twinvpc.model.source import Source, as_mapping
from twinvpc.model.wording import is_about_key, path_of, problem_of

StackConfig = LibvirtStack | AwsStack
T = TypeVar("T", bound=ConfigModel)

_KINDS: Mapping[str, type[LibvirtStack | AwsStack]] = {"libvirt": LibvirtStack, "aws": AwsStack}
_ROUNDS = 12  # each goes at least one step up from a fault, and no path is as deep


@dataclass(frozen=True)
class Intent:
    """A checked network on a checked stack.

    Attributes:
        stack_name: the stack's name, e.g. `dell`.
        network: what every substrate shares.
        stack: what only this substrate knows.
    """

    stack_name: str
    network: Network
    stack: StackConfig


@dataclass(frozen=True)
class _Draft(Generic[T]):
    """A file after validation.

    Attributes:
        model: the file, faults left out or stood in for; None if nothing can be made of it.
        problems: every fault; the model is the file's own only if there is none.
        source: the file.
    """

    model: T | None
    problems: tuple[Problem, ...]
    source: Source

    def beyond(self, found: Iterable[Problem]) -> list[Problem]:
        """Problems away from faults that were told already: those are in stand-ins."""
        told = tuple(problem.path for problem in self.problems)
        return [p for p in found if p.file != self.source.file or not any(_inside(p.path, path) for path in told)]


def load(network: Source, stack: Source, stack_name: str) -> Intent:
    """Check both files, alone and against each other.

    Args:
        network: network.yaml.
        stack: the stack file's `twin-vpc:` keys, without that prefix.
        stack_name: the stack's name.

    Raises:
        InvalidInputError: holds every problem found in both files.
    """
    net = _validated(Network, network, NETWORK_STAND_INS)
    own, kind = _stack_model(stack)
    problems = [*network.problems, *stack.problems, *net.problems, *own.problems, *kind]
    if net.model is not None:
        problems += net.beyond(check_network(net.model, net.source))
    if isinstance(own.model, LibvirtStack):
        problems += own.beyond(check_libvirt(own.model, net.model, own.source))
        problems += own.beyond(check_machines(own.model, own.source))
    elif own.model is not None:
        problems += own.beyond(check_aws(own.model, net.model, own.source))
        if net.model is not None and not net.problems:  # what stands in for a broken segment has no Internet
            problems += own.beyond(check_egress(own.model, net.model, own.source))
    if net.model is not None and own.model is not None:
        problems += own.beyond(check_stack_segments(own.model, own.source, network))
    if problems or net.model is None or own.model is None:
        raise InvalidInputError(problems)
    return Intent(stack_name, net.model, own.model)


def _stack_model(source: Source) -> tuple[_Draft[LibvirtStack | AwsStack], list[Problem]]:
    """The stack by its kind; an unknown kind is guessed from the other keys, so that they are checked as well."""
    raw = as_mapping(source.mapping) or {}
    kind = raw.get("kind")
    if isinstance(kind, str) and kind in _KINDS:
        return _validated(_KINDS[kind], source, STACK_STAND_INS), []
    if not raw and source.problems:
        return _Draft[LibvirtStack | AwsStack](None, (), source), []
    what = f"kind is {shown(kind)}" if "kind" in raw else "`kind` is missing"
    told = source.problem(("kind",), what, "a stack is `libvirt` or `aws`", "set `twin-vpc:kind`")
    guess = "libvirt" if {"host", "docker", "segments"} & raw.keys() else "aws"
    guessed = replace(source, mapping={**raw, "kind": guess})
    return _validated(_KINDS[guess], guessed, STACK_STAND_INS), [told]


def _validated(model: type[T], source: Source, stand_ins: Mapping[Pattern, object]) -> _Draft[T]:
    """Validate; collect the problems; go on with what is sound."""
    if source.problems and not source.mapping:  # it could not be read at all: one reason is enough
        return _Draft(None, (), source)
    raw, problems = source.mapping, list[Problem]()
    for _ in range(_ROUNDS):
        try:
            return _Draft(model.model_validate(raw), tuple(problems), source)
        except ValidationError as error:
            details = error.errors(include_url=False)
        problems = problems or _untold(source, model, details)
        raw = mended(raw, [Fault(path_of(detail), is_about_key(detail)) for detail in details], stand_ins)
    return _Draft(None, tuple(problems), source)


def _untold(source: Source, model: type[ConfigModel], details: list[ErrorDetails]) -> list[Problem]:
    """Problems at places where reading found none yet; a list that is short for its broken items is none besides."""
    told = {problem.path for problem in source.problems if problem.path}
    own = (
        problem_of(source, model, detail) for detail in details if detail["type"] != "too_short" or not detail["input"]
    )
    return [problem for problem in own if problem.path not in told]


def _inside(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))
