"""Pulumi's exported state, read and changed: plain data in, plain data out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

Data = Mapping[str, Any]

_CREATES = frozenset({"create", "create-replacement"})
_ENGINES_OWN = "__"
"""How the engine's marks among inputs begin, e.g. `__defaults`."""


@dataclass(frozen=True)
class Wanted:
    """A resource that the program wants and the state does not hold.

    Attributes:
        resource: as the engine plans it, with its inputs, parent and provider.
    """

    resource: Data

    @property
    def urn(self) -> str:
        """Its identity."""
        return str(self.resource["urn"])

    @property
    def token(self) -> str:
        """Its type."""
        return str(self.resource["type"])

    @property
    def inputs(self) -> Data:
        """What the program says of it."""
        return cast("Data", self.resource.get("inputs") or {})

    @property
    def label(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Pending:
    """An operation that a run had begun when it was killed: what it does, e.g. `creating`, and to which resource."""

    verb: str
    resource: Wanted


def pending(exported: Data) -> tuple[Pending, ...]:
    """Every operation that was under way."""
    operations = cast("Iterable[Data]", exported["deployment"].get("pending_operations") or ())
    return tuple(Pending(str(one["type"]), Wanted(cast("Data", one["resource"]))) for one in operations)


def without_pending(exported: Data, cleared: Callable[[Data], bool]) -> dict[str, Any]:
    """The state without the operations under way on resources of which that is said."""
    begun = cast("Iterable[Data]", exported["deployment"].get("pending_operations") or ())
    kept = [one for one in begun if not cleared(cast("Data", one["resource"]))]
    return {**exported, "deployment": {**exported["deployment"], "pending_operations": kept}}


def missing(preview: Data) -> tuple[Wanted, ...]:
    """What a preview would create, in its order: what others depend on comes first."""
    return tuple(Wanted(step["newState"]) for step in preview["steps"] if step["op"] in _CREATES)


def adopting(exported: Data, found: Iterable[tuple[Wanted, str]]) -> dict[str, Any]:
    """The state with resources that are on the host already, as if this program had made them.

    Their outputs are what the program wants; a refresh afterwards puts what the host says in their place.

    Args:
        exported: the state.
        found: resources and their ids.
    """
    ids = {wanted.urn: (wanted, identity) for wanted, identity in found}
    kept = [one for one in exported["deployment"].get("resources") or () if one["urn"] not in ids]
    new = [
        {**wanted.resource, "id": identity, "outputs": {**_plain_mapping(wanted.inputs), "id": identity}}
        for wanted, identity in ids.values()
    ]
    return {**exported, "deployment": {**exported["deployment"], "resources": [*kept, *new]}}


def parents_known(exported: Data, wanted: Wanted) -> bool:
    """Whether the state holds the component and the provider that a resource hangs on."""
    urns = {one["urn"] for one in exported["deployment"].get("resources") or ()}
    provider = str(wanted.resource.get("provider", "")).rpartition("::")[0]
    needed = [provider, str(wanted.resource.get("parent", "")), *wanted.resource.get("dependencies", ())]
    return all(urn in urns for urn in needed if urn)


def _plain_mapping(values: Data) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items() if not name.startswith(_ENGINES_OWN)}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return _plain_mapping(cast("Data", value))
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return value
