"""Ids of an account, and what people call the things."""

from collections.abc import Iterable, Mapping, Sequence

from twinvpc.proof.aws.errors import unknown
from twinvpc.proof.aws.fields import Fields

_TAG = "Name"
_GONE = frozenset({"deleted", "deleting", "failed"})  # such NAT gateways are described for an hour


class Ids:
    """Names by id, for the things of one VPC."""

    def __init__(self, vpc: str) -> None:
        self._vpc = vpc
        self._names: dict[str, str] = {}

    def here(self, what: str, id_name: str, answers: Sequence[Mapping[str, object]]) -> tuple[Fields, ...]:
        """The things of this VPC among those described, their names remembered; what is as good as gone is left out.

        Args:
            what: what they are, for errors.
            id_name: the value that is their id.
            answers: what was described.
        """
        mine = [Fields(f"{what} {one.get(id_name)}", one) for one in answers if one.get("VpcId") == self._vpc]
        found = tuple(one for one in mine if one.maybe("State").lower() not in _GONE)
        for one in found:
            self.name(one, id_name)
        return found

    def name(self, one: Fields, id_name: str, untagged: str = "") -> None:
        """Remember what a thing is called: its tag `Name`, else `untagged`, else its id."""
        tags = {tag.text("Key"): tag.maybe("Value") for tag in one.parts("Tags")}
        self.call(one.text(id_name), tags.get(_TAG) or untagged or one.text(id_name))

    def call(self, key: str, name: str) -> None:
        """Remember what a thing with this id is called."""
        self._names[key] = name

    def of(self, one: Fields, id_name: str) -> str:
        """What a thing itself is called."""
        return self._names[one.text(id_name)]

    def called(self, key: str) -> str:
        """What the thing with this id is called."""
        return self._names[key]

    def to(self, one: Fields, name: str) -> str:
        """What the thing is called that a value refers to.

        Raises:
            GraphError: it is not one of this VPC's.
        """
        return self.all(one, (one.text(name),))[0]

    def all(self, one: Fields, keys: Iterable[str]) -> tuple[str, ...]:
        """What several things are called."""
        for key in keys:
            if key not in self._names:
                raise unknown(one.where, f"{key}, which is not in {self._vpc},")
        return tuple(self._names[key] for key in keys)
