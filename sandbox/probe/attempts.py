"""One try of one probe while it runs, and how packets find the try they belong to."""

import asyncio
import itertools
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from sandbox.probe.namespaces import identity
from sandbox.probe.stands import End, Stand
from twinvpc.proof.probes import Observation, Probe

NONCE_LENGTH = 32
NONCE = re.compile(rb"[0-9a-f]{32}")
"""A nonce as it travels: hex digits, so that it also fits a DNS label."""

# Below the kernel's own choices (net.ipv4.ip_local_port_range starts at 32768): a listener that is asked from
# within its own namespace must never be taken for a try.
_LOWEST_PORT, _HIGHEST_PORT = 20000, 32767
# Every try has a source port of its own, across all namespaces: so a SYN, which carries no nonce, and an ICMP error
# can be told apart; and no try meets the host's memory (conntrack) of an earlier one.
_numbers = itertools.count(secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT))


def fresh_port() -> int:
    """A source port that no try of this process has used for the last twelve thousand tries."""
    return _LOWEST_PORT + next(_numbers) % (_HIGHEST_PORT - _LOWEST_PORT)


def fresh_nonce() -> bytes:
    """Thirty-two hex digits that no other try has."""
    return secrets.token_hex(NONCE_LENGTH // 2).encode()


class MeasurementError(Exception):
    """Something cannot be measured as asked; the message names the node and the way out."""


@dataclass
class Attempt:
    """The state of one probe.

    Attributes:
        probe: what is tried.
        client: where it is opened from.
        server: where it should be answered.
        client_place: identity of the client's namespace.
        server_place: identity of the server's namespace.
        real: a real service answers, not a listener of ours.
        refused: set to words when an ICMP error about this try came back to the client.
        echoed: set when an ICMP echo reply with this nonce came back to the client.
        nonce: what only this try carries.
        port: its source port, for ICMP its identifier.
        seen_as: the client address that the destination saw.
        answered: an answer to this very try came back.
        detail: how it ended.
    """

    probe: Probe
    client: End
    server: End
    client_place: int
    server_place: int
    real: bool
    refused: asyncio.Future[str]
    echoed: asyncio.Future[None]
    nonce: bytes = field(default_factory=fresh_nonce)
    port: int = field(default_factory=fresh_port)
    seen_as: IPv4Address | None = None
    answered: bool = False
    detail: str = ""

    def arrive(self, place: int, source: IPv4Address) -> None:
        """Note that the try was seen in a namespace; it counts where it was meant to arrive."""
        if place == self.server_place and self.seen_as is None:
            self.seen_as = source

    def refuse(self, place: int, words: str) -> None:
        """Note that an ICMP error about the try reached a namespace; it counts where it was opened."""
        if place == self.client_place and not self.refused.done():
            self.refused.set_result(words)

    def echo(self, place: int) -> None:
        """Note that an ICMP echo reply reached a namespace; it counts where it was opened."""
        if place == self.client_place and not self.echoed.done():
            self.echoed.set_result(None)

    def observation(self) -> Observation:
        """What the try did in the end. An answer that the destination never saw asked for is no answer."""
        arrived = self.seen_as is not None
        detail = self.detail
        if self.answered and not arrived:
            detail = "answered by something else than the destination"
        return Observation(self.probe, self.answered and arrived, self.seen_as, detail, arrived)


def start(probe: Probe, source: Stand, destination: Stand) -> Attempt:
    """A new try; needs a running event loop."""
    loop = asyncio.get_running_loop()
    server = destination.answers(probe.source)
    return Attempt(
        probe=probe,
        client=End(source.netns, source.address),
        server=server,
        client_place=identity(source.netns),
        server_place=identity(server.netns),
        real=(probe.protocol, probe.port) in destination.services,
        refused=loop.create_future(),
        echoed=loop.create_future(),
    )


class Register:
    """All tries of a run, found by nonce or by source port."""

    def __init__(self, tries: Iterable[Attempt]) -> None:
        self.tries = tuple(tries)
        self._by_nonce = {one.nonce: one for one in self.tries}
        self._by_port = {one.port: one for one in self.tries}

    def move(self, one: Attempt) -> None:
        """Give a try another source port, because its own is taken where it opens from."""
        del self._by_port[one.port]
        one.port = fresh_port()
        self._by_port[one.port] = one

    def by_payload(self, payload: bytes) -> Attempt | None:
        """The try whose nonce is in a payload."""
        found = NONCE.search(payload)
        return self._by_nonce.get(found[0]) if found else None

    def by_ports(self, source: int, destination: int) -> Attempt | None:
        """The try with this source port, if it goes to this destination port."""
        one = self._by_port.get(source)
        return one if one and one.probe.port == destination else None
