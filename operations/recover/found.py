"""What was found on the host, and how libvirt there is asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from operations.host import Remote

VIRSH = ("virsh", "--connect", "qemu:///system", "--quiet")

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """Something of that name on the host.

    Attributes:
        identity: its id for the provider.
        strange: in what it differs from what we would have made; nothing if it is ours.
        unfinished: whether its making or removal broke off.
    """

    identity: str
    strange: tuple[str, ...] = ()
    unfinished: bool = False


class Kind(Protocol):
    """One type of resource."""

    what: str
    """What messages call it."""

    lag: float
    """Seconds for which libvirt may still be at what it was asked to make, after the run that asked was killed."""

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """What bears the name that the inputs give it; none if nothing does."""
        ...

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Bring something unfinished of ours into a whole state, and say which."""
        ...


def rows(listed: str) -> dict[str, list[str]]:
    """Rows of a list of virsh's by name: state, autostart and so on."""
    words = [line.split() for line in listed.splitlines() if line.strip()]
    return {name: rest for name, *rest in words}


def attributes(xml: str, element: str, names: str) -> list[str]:
    """An attribute of every element of that name; libvirt's own XML has them in single quotes, an element a line."""
    elements = re.findall(rf"<{element}\s[^>]*>", xml)
    return [m[1] for one in elements if (m := re.search(rf"\s(?:{names})='([^']*)'", one))]


def uuid(xml: str) -> str:
    """The UUID of a network, a pool or a domain."""
    return re.findall(r"<uuid>([^<]+)</uuid>", xml)[0]


def differences(seen: Inputs, wanted: Inputs) -> tuple[str, ...]:
    """In what something differs from the plan, in words."""
    return tuple(f"{key} {seen[key]} instead of {wanted[key]}" for key in seen if seen[key] != wanted[key])
