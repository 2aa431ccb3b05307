"""Running the program without an engine, and every resource that it registers, as data."""

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.config import read_config
from components.substrate import build
from graph.errors import GraphError
from graph.monitor import Log, Monitor, Registered
from graph.references import references
from graph.running import PROJECT, as_setting, configure, finish
from twinvpc.model.files import load_stack, read_yaml
from twinvpc.model.source import as_mapping
from twinvpc.proof.aws.resources import Resource

_SECURE = "secure"
"""The one key under which Pulumi keeps an encrypted setting."""


@dataclass(frozen=True)
class Recording:
    """A stack as its program registers it.

    Attributes:
        stack: its name.
        registered: everything, components and providers included, sorted by URN: the order of arrival is not one.
        exports: what the stack exports; references where only a deployment knows the value.
        messages: what the program warned of.
    """

    stack: str
    registered: tuple[Registered, ...]
    exports: Mapping[str, object]
    messages: tuple[str, ...]

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Resources alone, providers included: what evaluators read."""
        return tuple(one.resource for one in self.registered if one.custom)


def record(root: Path, stack: str) -> Recording:
    """Run a stack's program from the files of a folder.

    It is run as a preview: what refuses to be deployed can still be recorded.

    Args:
        root: folder with network.yaml, the lock and the stack's file.
        stack: its name.

    Raises:
        InvalidInputError: the files cannot be used; every reason is named.
        GraphError: the program refuses, or registers what cannot be recorded.
    """
    load_stack(root, stack)  # every mistake with its line, before Pulumi is started

    def program() -> None:
        for name, value in build(read_config(root, deploys=False)).items():
            pulumi.export(name, value)

    return record_program(program, stack, *settings(root, stack))


def record_program(
    program: Callable[[], None], stack: str, config: Mapping[str, str] | None = None, secret: tuple[str, ...] = ()
) -> Recording:
    """Run any program, on an event loop and in a context of its own.

    Args:
        program: registers resources.
        stack: name of the stack.
        config: settings as Pulumi keeps them.
        secret: those of them that are secrets.

    Raises:
        GraphError: the program refuses, or registers what cannot be recorded.
    """
    monitor, log = Monitor(stack, PROJECT), Log()

    def inside() -> None:
        # `offline` and the like refuse a deployment, so this is a preview.
        configure(monitor, log, monitor.features, stack, preview=True)
        pulumi.runtime.set_all_config(dict(config or {}), list(secret))
        finish(program)

    try:
        contextvars.copy_context().run(inside)
    except pulumi.RunError as error:
        raise GraphError(str(error)) from None
    except Exception:
        if not monitor.errors:
            raise
    if monitor.errors:
        raise GraphError("; ".join(dict.fromkeys(monitor.errors)))
    registered = tuple(sorted(monitor.registered, key=lambda one: one.urn))
    _require_whole(registered)
    return Recording(stack, registered, monitor.exports, tuple(log.messages))


def _require_whole(registered: tuple[Registered, ...]) -> None:
    """Every reference leads to exactly one resource."""
    named = [(one.resource.token, one.resource.name) for one in registered if one.custom]
    if twice := sorted({f"{name} ({token})" for token, name in named if named.count((token, name)) > 1}):
        raise GraphError(f"two resources have one name: {', '.join(twice)}; a reference names one: rename the other")
    for one in registered:
        for reference in references(one.resource.inputs):
            if (reference.token, reference.name) not in named:
                raise GraphError(f"{one.resource.name} refers to {reference}, which the program does not register")


def settings(root: Path, stack: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """A stack file's settings as Pulumi hands them to a program, and which of them are secrets."""
    given = as_mapping((as_mapping(read_yaml(root / f"Pulumi.{stack}.yaml").mapping) or {}).get("config")) or {}
    secret = tuple(str(key) for key, value in given.items() if set(as_mapping(value) or ()) == {_SECURE})
    return {str(key): "" if key in secret else as_setting(value) for key, value in given.items()}, secret
