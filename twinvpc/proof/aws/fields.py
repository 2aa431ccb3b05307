"""Reading nested values of unknown type, strictly: a wrong type or a key that nobody knows is an error."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import cast

from twinvpc.proof.aws.errors import GraphError, unknown


def empty(value: object) -> bool:
    """Whether a value says nothing: absent, false, or without content. 0 is a value."""
    return value is None or value is False or value in ("", [], (), {})


@dataclass(frozen=True)
class Fields:
    """The values of one thing.

    Attributes:
        where: the thing, as errors name it.
        values: its values by name.
    """

    where: str
    values: Mapping[str, object]

    def only(self, *known: Iterable[str]) -> None:
        """Refuse what none of the lists names, unless it says nothing.

        Raises:
            GraphError: such a value exists.
        """
        names = {name for names in known for name in names}
        for name, value in sorted(self.values.items()):
            if name not in names and not empty(value):
                raise unknown(self.where, f"`{name}`")

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a text")
        return value

    def maybe(self, name: str) -> str:
        """A text, empty where there is none."""
        return self.text(name) if not empty(self.values.get(name)) else ""

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number; engines hand them over as floats too.

        Args:
            name: of the value.
            default: what its absence means; without one, absence is an error.
        """
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise self._wrong(name, "a whole number")
        return int(value)

    def flag(self, name: str) -> bool:
        """A switch; absence means off."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return bool(value)

    def block(self, name: str) -> IPv4Network:
        """An IPv4 block that must be there."""
        with suppress(ValueError):
            return IPv4Network(self.text(name))
        raise self._wrong(name, "an IPv4 block")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where there is none."""
        value = self._list(name)
        if not all(isinstance(one, str) for one in value):
            raise self._wrong(name, "a list of texts")
        return tuple(cast("list[str]", value))

    def parts(self, name: str) -> tuple["Fields", ...]:
        """A list of nested things, empty where there is none."""
        value = self._list(name)
        if not all(isinstance(one, Mapping) for one in value):
            raise self._wrong(name, "a list of groups of values")
        listed = cast("list[Mapping[str, object]]", value)
        return tuple(Fields(f"{self.where} {name}[{number}]", one) for number, one in enumerate(listed))

    def part(self, name: str) -> "Fields":
        """A nested thing, without values where there is none."""
        value = self.values.get(name)
        if value is None:
            return Fields(f"{self.where} {name}", {})
        if not isinstance(value, Mapping):
            raise self._wrong(name, "a group of values")
        return Fields(f"{self.where} {name}", cast("Mapping[str, object]", value))

    def _list(self, name: str) -> list[object]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self._wrong(name, "a list")
        return list(cast("list[object]", value))

    def _wrong(self, name: str, wanted: str) -> GraphError:
        value = self.values.get(name)
        shown = "is missing" if value is None else f"is {value!r:.60}"
        return GraphError(
            f"{self.where}: `{name}` {shown}",
            rule=f"it has to be {wanted}",
            way_out="correct the resource, or record it anew",
        )
