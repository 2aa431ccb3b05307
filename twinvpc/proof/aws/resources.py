"""Resources as a run of the program registers them, before anything is deployed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_REFERENCE = re.compile(r"ref:(?P<token>[a-z][\w-]*:[\w/.-]+:\w+)::(?P<name>[^#]+)#(?P<output>\w+)")


@dataclass(frozen=True)
class Resource:
    """One registered resource.

    Attributes:
        token: its type, e.g. `aws:ec2/subnet:Subnet`.
        name: its name in the program.
        inputs: what it was given, under the engine's names (camelCase); outputs of others stand there as
            `ref:<token>::<name>#<output>`.
    """

    token: str
    name: str
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, order=True)
class Reference:
    """An output of another resource, as inputs name it.

    Attributes:
        token: type of the other resource.
        name: its name in the program.
        output: which of its outputs, under the engine's name.
    """

    token: str
    name: str
    output: str

    def __str__(self) -> str:
        """`ref:aws:ec2/vpc:Vpc::vpc#id`."""
        return f"ref:{self.token}::{self.name}#{self.output}"


def reference(value: object) -> Reference | None:
    """What a value refers to, if it is a reference and nothing else."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return Reference(found["token"], found["name"], found["output"]) if found else None
