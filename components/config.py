"""The only reader of Pulumi's configuration: every key of our namespace, checked with network.yaml and the lock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
from pulumi.runtime import is_config_secret
from pulumi.runtime.config import CONFIG

from components.host.access import missing_files
from components.host.images import missing_for_machines
from twinvpc.addressing.lock import StackLock, read_lock
from twinvpc.addressing.plan import require_recorded
from twinvpc.model.files import NETWORK_FILE, PREFIX, read_yaml, scalar, stack_source
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent, load
from twinvpc.model.problems import InvalidInputError, Problem, shown
from twinvpc.model.source import KeyPath, Source, as_mapping

_PULUMI = "pulumi:"
"""Settings of Pulumi itself, which it reads on its own."""


@dataclass(frozen=True)
class Deployment:
    """Everything a program run builds from, checked.

    Attributes:
        intent: the network on this stack.
        recorded: the stack's blocks in the lock file.
    """

    intent: Intent
    recorded: StackLock


def read_config(root: Path, *, deploys: bool = True) -> Deployment:
    """Read the stack's configuration and the files beside it.

    Args:
        root: folder with network.yaml and the lock file.
        deploys: whether the run goes to the host: then keys, tools and images of this machine are checked as well.

    Raises:
        pulumi.RunError: names every problem in all files at once. Nothing must have been registered yet.
    """
    try:
        return _checked(root, pulumi.get_stack(), deploys=deploys)
    except InvalidInputError as error:
        raise pulumi.RunError(str(error)) from None


def _checked(root: Path, stack_name: str, *, deploys: bool) -> Deployment:
    stack = _stack_source(root / f"Pulumi.{stack_name}.yaml")
    problems: list[Problem] = []
    lock = intent = None
    try:
        lock = read_lock(root)
    except InvalidInputError as error:
        problems += error.problems
    try:
        intent = load(read_yaml(root / NETWORK_FILE), stack, stack_name)
    except InvalidInputError as error:
        problems += [p for p in error.problems if p in stack.problems or not _follows(p, stack)]
    if deploys and intent is not None and isinstance(intent.stack, LibvirtStack):
        problems += missing_files(intent.stack.host, stack)
        problems += missing_for_machines(intent.stack, stack)
    if lock is None or intent is None or problems:
        raise InvalidInputError(problems)
    return Deployment(intent, require_recorded(intent, lock))


def _follows(problem: Problem, stack: Source) -> bool:
    """Whether a problem is there only because a setting was refused: one that counts once, not as missing too."""
    refused = {one.path for one in stack.problems}
    return problem.file == stack.file and problem.path.partition(".")[0] in refused


def _stack_source(path: Path) -> Source:
    """The configuration in force as a source, attributed to the stack's file."""
    values: dict[str, object] = {}
    refused: list[tuple[str, str, str, str]] = []
    for name, text in sorted(CONFIG.get().items()):
        key = name.removeprefix(PREFIX)
        if name.startswith(_PULUMI):
            continue
        if not name.startswith(PREFIX):
            rule = "providers are explicit, so only `twin-vpc:` and `pulumi:` keys are read"
            refused.append((name, f"key {shown(name)}", rule, f"write `{PREFIX}…`, or remove it"))
        elif is_config_secret(name):
            refused.append(
                (key, f"`{key}` is a secret", "no setting of this program is one", "set it without --secret")
            )
        else:
            values[key] = scalar(text)
    plain = Source(path.name, values, _lines(path, values))
    return replace(plain, problems=tuple(plain.problem((key,), *why) for key, *why in refused))


def _lines(path: Path, values: Mapping[str, object]) -> Mapping[KeyPath, int]:
    """Lines of the stack's file for settings that stand there as Pulumi gave them: `--config-file` may name another."""
    if not path.is_file():
        return {}
    written = stack_source(path)
    there = as_mapping(written.mapping) or {}
    same = {key for key, value in values.items() if there.get(key) == value}
    return {where: line for where, line in written.lines.items() if where and where[0] in same}
