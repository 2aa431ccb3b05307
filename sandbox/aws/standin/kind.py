"""What every resource type of the stand-in has in common."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, cast

from sandbox.aws.standin.account import Account
from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.values import Props

_UNORDERED = frozenset({"subnetIds", "securityGroupIds", "routeTableIds", "ingress", "egress"})
"""Lists whose order means nothing to AWS; the official provider has them as sets."""

_DOCUMENTS = frozenset({"policy", "assumeRolePolicy"})
"""JSON texts, which are compared by what they say."""


class Kind(ABC):
    """One resource type.

    Attributes:
        token: the type.
        taken: inputs that are implemented; any other one is refused, though the SDK may know it.
        fixed: inputs whose change replaces the resource.
        named: whether a name is made up where the program gives none, as Pulumi's bridge does.
    """

    token: ClassVar[str]
    taken: ClassVar[frozenset[str]]
    fixed: ClassVar[frozenset[str]] = frozenset()
    named: ClassVar[bool] = False

    def __init__(self, account: Account) -> None:
        self.account = account

    @abstractmethod
    def create(self, inputs: Props) -> str:
        """Make it and return its id."""

    @abstractmethod
    def read(self, identity: str, state: Props) -> Props | None:
        """What the account says of it: inputs as they are in force and what only the account can tell; None if gone."""

    def update(self, identity: str, old: Props, new: Props) -> None:
        """Change it in place.

        Raises:
            StandinError: unless the type has an update of its own.
        """
        raise StandinError(f"{self.token} {identity} cannot be changed in place: {sorted(changed(old, new))}")

    @abstractmethod
    def delete(self, identity: str, state: Props) -> None:
        """Take it away."""


class Ec2Kind(Kind):
    """A type whose tags are EC2's."""

    def specification(self, resource: str, inputs: Props) -> list[dict[str, object]]:
        """Tags given at creation."""
        return [{"ResourceType": resource, "Tags": self.account.tagged(tags_of(inputs))}]

    def retag(self, identity: str, old: Props, new: Props) -> None:
        """Bring tags from what they were to what they shall be."""
        gone = tags_of(old).keys() - tags_of(new).keys()
        if gone:
            self.account.ec2.delete_tags(Resources=[identity], Tags=[{"Key": key} for key in sorted(gone)])
        self.account.ec2.create_tags(Resources=[identity], Tags=self.account.tagged(tags_of(new)))

    def tags(self, found: Mapping[str, Any]) -> Props:
        """`tags` and `tagsAll` from a description."""
        return self.account.own_tags(found.get("Tags", []))


def tags_of(props: Props) -> dict[str, str]:
    """The tags of a resource, none if it has none."""
    return cast("dict[str, str]", props.get("tags") or {})


def changed(old: Props, new: Props) -> set[str]:
    """Inputs that differ; an empty one is as good as none."""
    return {name for name in old.keys() | new.keys() if _norm(name, old.get(name)) != _norm(name, new.get(name))}


def _norm(name: str, value: object) -> object:
    if name in _DOCUMENTS and isinstance(value, str):
        with suppress(ValueError):
            return json.dumps(json.loads(value), sort_keys=True)
    if name in _UNORDERED and isinstance(value, list):
        return sorted(json.dumps(one, sort_keys=True, default=repr) for one in cast("list[object]", value))
    return value or None


def one(found: list[Any]) -> Any:
    """The only one of a list, None if it is empty.

    Raises:
        StandinError: there are several.
    """
    if len(found) > 1:
        raise StandinError(f"{len(found)} things have one id")
    return found[0] if found else None
