"""Pulumi's own account of a run, as its option `--json` gives it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from operations.errors import OperationError

_LIKE_BEFORE = frozenset({"same", "refresh", "read"})
_MISSING = object()


@dataclass(frozen=True)
class Step:
    """One resource in a run.

    Attributes:
        op: what would be done: `same`, `refresh`, `update`, `delete`, `create`, `replace` and so on.
        type_name: the resource's type.
        name: its name in the program.
        before: its outputs as recorded.
        after: its outputs as they were found, or as they would be.
        changed: paths of properties that differ.
    """

    op: str
    type_name: str
    name: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changed: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything would be done."""
        return self.op not in _LIKE_BEFORE or bool(self.changed)

    @property
    def on_host(self) -> str:
        """The resource's name on the host, or else in the program."""
        return str(self.before.get("name") or self.after.get("name") or self.name)


def steps(text: str) -> tuple[Step, ...]:
    """The steps of a run.

    Args:
        text: what `pulumi preview --json` or `pulumi refresh --preview-only --json` printed.

    Raises:
        OperationError: that is something else.
    """
    try:
        listed = json.loads(text)["steps"]
        return tuple(_step(entry) for entry in listed)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise OperationError(
            f"`pulumi` answered in a way that this program does not know ({type(error).__name__}: {error}); "
            "is it the version that requirements.txt names?"
        ) from None


def _step(entry: Mapping[str, Any]) -> Step:
    _, _, type_name, name = str(entry["urn"]).split("::", 3)
    return Step(
        op=str(entry["op"]),
        type_name=type_name.rpartition("$")[2],
        name=name,
        before=_outputs(entry.get("oldState")),
        after=_outputs(entry.get("newState")),
        changed=tuple(cast("Mapping[str, Any]", entry.get("detailedDiff") or {})),
    )


def _outputs(state: object) -> Mapping[str, Any]:
    """What is planned has inputs only."""
    found = cast("Mapping[str, Mapping[str, Any] | None]", state or {})
    return {**(found.get("inputs") or {}), **(found.get("outputs") or {})}
