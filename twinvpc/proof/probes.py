"""What is tried and what came of it: the vocabulary that the intent and every measurement share."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from twinvpc.model.services import Protocol


@dataclass(frozen=True, order=True)
class Probe:
    """One try from a node to a node.

    Attributes:
        source: the node that opens.
        destination: the node that should answer; for HOST it is the source's own router address where the
            source is a segment, and the host's uplink address otherwise.
        protocol: TCP, UDP or ICMP; never ANY.
        port: destination port, 0 for ICMP.
    """

    source: str
    destination: str
    protocol: Protocol
    port: int = 0

    def __str__(self) -> str:
        """`public → database tcp/5432`."""
        service = self.protocol.value if not self.port else f"{self.protocol.value}/{self.port}"
        return f"{self.source} → {self.destination} {service}"


@dataclass(frozen=True, order=True)
class Expectation:
    """What should come of one probe.

    Attributes:
        probe: what is tried.
        open: whether it should be answered.
        client: the address that the server of an open probe must see, None where a real service answers that
            does not tell.
    """

    probe: Probe
    open: bool
    client: IPv4Address | None = None


@dataclass(frozen=True)
class Observation:
    """What one try really did.

    Attributes:
        probe: what was tried.
        open: True only if the answer to this very try came back.
        seen_as: the client address that the server saw, None if it saw none.
        detail: how it ended, for people: `answered`, `refused: admin prohibited`, `no answer in 1.0 s` and so on.
        arrived: True if the try reached the destination's socket, even though no answer came back.
    """

    probe: Probe
    open: bool
    seen_as: IPv4Address | None = None
    detail: str = ""
    arrived: bool = False
