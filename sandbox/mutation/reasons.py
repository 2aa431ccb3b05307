"""Survivors that were expected, each with its reason: survivors.yaml. Whoever survives without one is a hole."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter

from sandbox.mutation.judge import Verdict
from twinvpc.model.base import ConfigModel

REASONS = Path(__file__).with_name("survivors.yaml")
Words = Annotated[str, Field(min_length=20)]


class Reason(ConfigModel):
    """Why some mutants are noticed by nobody.

    Attributes:
        mutants: patterns of their names, `*` for anything.
        network: the only network of which it speaks; None for all.
        noticed_elsewhere: it holds only for a mutant that packets notice in another network.
        why: in words.
    """

    mutants: Annotated[tuple[str, ...], Field(min_length=1)]
    network: str | None = None
    noticed_elsewhere: bool = False
    why: Words

    def pattern(self, network: str, name: str, noticed: Iterable[str]) -> str | None:
        """The pattern by which it speaks of a survivor; None if it does not.

        Args:
            network: where it survived.
            name: the mutant.
            noticed: mutants of that name that packets have noticed, in other networks.
        """
        if self.network not in {None, network} or (self.noticed_elsewhere and name not in noticed):
            return None
        return next((one for one in self.mutants if fnmatchcase(name, one)), None)


def read_reasons(path: Path = REASONS) -> tuple[Reason, ...]:
    """The written reasons.

    Raises:
        ValidationError: the file is no list of reasons.
    """
    return TypeAdapter(tuple[Reason, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


class Explanations:
    """Which survivor has which reason.

    Args:
        found: verdicts of each network.
        reasons: the written reasons, in the order in which they are asked.
    """

    def __init__(self, found: Mapping[str, Sequence[Verdict]], reasons: Sequence[Reason]) -> None:
        self._reasons = reasons
        self._used: set[tuple[Reason, str]] = set()
        self._found: dict[tuple[str, str], Reason | None] = {}
        noticed = {key: {str(one.mutant) for one in own if one.noticed} for key, own in found.items()}
        for key, own in found.items():
            others = set[str]().union(*(names for other, names in noticed.items() if other != key))
            for one in own:
                if not one.noticed:
                    self._found[key, str(one.mutant)] = self._explain(key, str(one.mutant), others)

    def _explain(self, network: str, name: str, noticed: set[str]) -> Reason | None:
        for reason in self._reasons:
            if pattern := reason.pattern(network, name, noticed):
                self._used.add((reason, pattern))
                return reason
        return None

    def of(self, network: str) -> Mapping[str, Reason | None]:
        """Every survivor of a network, with its reason if somebody has written one."""
        return {name: reason for (key, name), reason in self._found.items() if key == network}

    @property
    def unexplained(self) -> list[str]:
        """Survivors without a reason."""
        return [f"{network}: {name}" for (network, name), reason in self._found.items() if reason is None]

    @property
    def unused(self) -> list[str]:
        """Patterns that speak of no survivor: what they excuse is noticed, or is there no more."""
        every = [(reason, pattern) for reason in self._reasons for pattern in reason.mutants]
        return [pattern for reason, pattern in every if (reason, pattern) not in self._used]
