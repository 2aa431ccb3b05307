"""What a flow carries: `any`, `icmp`, `tcp/5432`, `udp/5000-5010`, or a name the owner gave."""

import re
from dataclasses import dataclass
from enum import StrEnum, unique

from twinvpc.model.problems import Rejected, shown

HIGHEST_PORT = 65535
_PORTS = re.compile(r"(tcp|udp)/([0-9]{1,5})(?:-([0-9]{1,5}))?")


@unique
class Protocol(StrEnum):
    """What the IP header says, as far as flows can name it; ANY is every protocol, these and all others."""

    ANY = "any"
    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"


@dataclass(frozen=True, order=True)
class Service:
    """One protocol with one range of destination ports.

    Attributes:
        protocol: the protocol.
        first: first port, 1 to 65535; 0 for protocols without ports.
        last: last port of the range, included; 0 likewise.
    """

    protocol: Protocol
    first: int = 0
    last: int = 0

    def __str__(self) -> str:
        """The form in which the owner writes it."""
        if not self.last:
            return self.protocol.value
        span = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.protocol.value}/{span}"


EVERYTHING = Service(Protocol.ANY)
ICMP = Service(Protocol.ICMP)

FORMS = "a service is `any`, `icmp`, `tcp/PORT`, `udp/PORT`, a range `tcp/8000-8100`, or a name under `services`"
"""The forms of a service, as errors tell them."""


def parse_service(text: str) -> Service:
    """Read one service in the forms above; names are resolved by the caller.

    Raises:
        Rejected: the text has none of the forms, or its ports are outside 1 to 65535 or in the wrong order.
    """
    if text == Protocol.ANY:
        return EVERYTHING
    if text == Protocol.ICMP:
        return ICMP
    found = _PORTS.fullmatch(text)
    if not found:
        raise Rejected(f"{shown(text)} is not a service", rule=FORMS, way_out="write it in one of these forms")
    first = int(found[2])
    last = int(found[3] or first)
    if not 1 <= first <= last <= HIGHEST_PORT:
        raise Rejected(
            f"{shown(text)} names no such ports",
            rule=f"ports run from 1 to {HIGHEST_PORT}, the first not above the last",
            way_out="correct the port or the range",
        )
    return Service(Protocol(found[1]), first, last)
