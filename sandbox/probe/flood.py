"""A flood at cells that are denied, kept up through whatever happens to the host, and ears at every destination.

Packets are hand-made, carry a key of their own and are sent by one thread at a steady pace, all jets in turn; the same
thread listens. What the ears hear of a denied jet is a breach, wherever they hear it. Some jets are allowed: they must
be heard, or silence would prove nothing.
"""

import itertools
import os
import secrets
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol as Interface
from typing import Self

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.namespaces import inside, raw_socket
from twinvpc.model.services import Protocol

RATE = 800
"""Denied packets a second that are aimed at; a test asks for 500, so there is room for a busy machine."""
_LONGEST = 400.0
"""Seconds after which a flood that nobody stopped ends by itself."""
_BURST = 400
"""Most packets at once, after a pause that the machine made."""
_TICK = 0.004
_PRIORITY = -15
"""Niceness of its thread: whatever is restarted, the pace is to be kept."""
_LARGEST = 65535
_IP_TYPE = 0x0800  # ETH_P_IP, <linux/if_ether.h>
_OUTGOING = 4  # PACKET_OUTGOING, <linux/if_packet.h>
_KEY_AT, _KEY_LENGTH = 8, 16
_SEQUENCE_AT, _SEQUENCE_LENGTH = 4, 4


@dataclass(frozen=True)
class Jet:
    """One kind of packet that is sent over and over.

    Attributes:
        source: the node that sends; see `Flood.stand`.
        target: who should or should not hear it, for people.
        sender: its address.
        address: where it goes.
        protocol: TCP (a SYN) or UDP.
        port: destination port.
        allowed: a control, which must be heard.
        key: what only this jet carries: the sequence number of a SYN, the payload of a datagram.
        own_port: its source port.
    """

    source: str
    target: str
    sender: IPv4Address
    address: IPv4Address
    protocol: Protocol
    port: int
    allowed: bool = False
    key: bytes = field(default_factory=lambda: secrets.token_bytes(_KEY_LENGTH), repr=False)
    own_port: int = field(default_factory=fresh_port)

    def __str__(self) -> str:
        """`database → public udp/41999`."""
        return f"{self.source} → {self.target} {self.protocol}/{self.port}"

    @property
    def mark(self) -> bytes:
        """The part of the key that travels."""
        return self.key[:_SEQUENCE_LENGTH] if self.protocol is Protocol.TCP else self.key

    def packet(self) -> bytes:
        """The packet as it is sent."""
        ports = (self.own_port, self.port)
        if self.protocol is Protocol.TCP:
            body = packets.tcp_syn(self.sender, self.address, ports, int.from_bytes(self.mark, "big"))
            return packets.ipv4(self.sender, self.address, socket.IPPROTO_TCP, body)
        return packets.ipv4(
            self.sender, self.address, socket.IPPROTO_UDP, packets.udp(self.sender, self.address, ports, self.mark)
        )


def mark_of(packet: packets.Packet) -> bytes:
    """What a jet would carry there; nothing for a packet that no jet sends."""
    if packet.protocol == socket.IPPROTO_UDP:
        return packet.body[_KEY_AT : _KEY_AT + _KEY_LENGTH]
    if packet.protocol == socket.IPPROTO_TCP and packet.opens_tcp:
        return packet.body[_SEQUENCE_AT : _SEQUENCE_AT + _SEQUENCE_LENGTH]
    return b""


class Ear(Interface):
    """Something that hears marks of jets."""

    name: str
    insiders_only: bool

    def hear(self) -> Iterable[bytes]:
        """The marks of everything that came since it was last asked."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class PlaceEar:
    """What is delivered in a namespace, behind its own input rules.

    Args:
        name: the place, for people.
        netns: its namespace; it is kept alive by listening, so never that of the host, which must be able to go down.
    """

    insiders_only = False

    def __init__(self, name: str, netns: Path) -> None:
        self.name = name
        kinds = (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
        self._sockets = [raw_socket(netns, socket.AF_INET, kind) for kind in kinds]

    def hear(self) -> Iterable[bytes]:
        """The marks of everything that came since it was last asked."""
        for one in select.select(self._sockets, [], [], 0)[0]:
            yield from _marks(one)

    def close(self) -> None:
        """Stop listening."""
        for one in self._sockets:
            one.close()


class WireEar:
    """What passes a place on the wire, delivered there or not: who is outside hears what leaks out of the host.

    Args:
        name: the place, for people.
        netns: its namespace.
    """

    insiders_only = True

    def __init__(self, name: str, netns: Path) -> None:
        self.name = name
        self._socket = raw_socket(netns, socket.AF_PACKET, socket.htons(_IP_TYPE), socket.SOCK_DGRAM)

    def hear(self) -> Iterable[bytes]:
        """The marks of everything that came since it was last asked."""
        return _marks(self._socket)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def _marks(one: socket.socket) -> Iterable[bytes]:
    while True:
        try:
            data, address = one.recvfrom(_LARGEST)
        except BlockingIOError:
            return
        packet = packets.parse(data)
        sent = one.family == socket.AF_PACKET and address[2] == _OUTGOING
        if packet is not None and not sent:
            yield mark_of(packet)


@dataclass(frozen=True)
class Report:
    """What a flood came to.

    Attributes:
        seconds: how long it lasted.
        sent: denied packets that left their sender.
        slowest: fewest of them in any whole second, those apart in which nobody could send (`Flood.apart`).
        slowest_at: which second that was, counted from the start.
        breaches: denied jets that were heard, with the place and how often; empty means closed throughout.
        controls: packets sent and heard, by allowed jet.
    """

    seconds: float
    sent: int
    slowest: int
    slowest_at: int
    breaches: Mapping[str, int]
    controls: Mapping[str, tuple[int, int]]

    @property
    def rate(self) -> float:
        """Denied packets a second, over the whole time."""
        return self.sent / self.seconds

    def __str__(self) -> str:
        """For people: the figures in one line."""
        sent, heard = (sum(pair[at] for pair in self.controls.values()) for at in (0, 1))
        return (
            f"{self.sent} denied packets in {self.seconds:.1f} s ({self.rate:.0f} a second, at least {self.slowest} "
            f"in second {self.slowest_at}), {sum(self.breaches.values())} heard; controls: {heard} of {sent} heard"
        )


class Flood:
    """A flood from `start` until `stop`: `with Flood(...) as flood`.

    Args:
        jets: what is sent, in turn.
        stands: namespace of every node that sends.
        ears: who listens; closed at the end.
        rate: denied packets a second.
    """

    def __init__(self, jets: Sequence[Jet], stands: Mapping[str, Path], ears: Iterable[Ear], rate: int = RATE) -> None:
        self._jets = tuple(jets)
        self._packets = {jet: jet.packet() for jet in jets}
        self._by_mark = {jet.mark: jet for jet in jets}
        self._insiders = frozenset(jet.source for jet in jets) - {"lan", "internet", "docker0"}
        self._sockets = {node: _mouth(netns) for node, netns in stands.items()}
        self._ears = list(ears)
        self._rate = rate
        self._sent: Counter[Jet] = Counter()
        self._heard: Counter[tuple[Jet, str]] = Counter()
        self._seconds: list[int] = []
        self._apart: set[int] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = self._ended = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for one in (*self._sockets.values(), *self._ears):
            one.close()

    def stand(self, node: str, netns: Path) -> None:
        """From now on a node sends from another namespace, as a container does that was started again."""
        with self._lock:
            old, self._sockets[node] = self._sockets[node], _mouth(netns)
            old.close()

    def listen(self, ear: Ear) -> None:
        """One ear more, as for a host that has booted."""
        with self._lock:
            self._ears.append(ear)

    @property
    def marks(self) -> tuple[bytes, ...]:
        """What an ear listens for."""
        return tuple(self._by_mark)

    @property
    def lasted(self) -> float:
        """Seconds until now."""
        return time.monotonic() - self._began

    @contextmanager
    def apart(self) -> Generator[None]:
        """Seconds that count for no pace, because the senders' links are gone."""
        began = self.lasted
        try:
            yield
        finally:
            self._apart |= set(range(int(began), int(self.lasted) + 1))

    def heard_at(self, place: str) -> int:
        """How much an ear has heard until now."""
        return sum(number for (_, at), number in self._heard.items() if at == place)

    def report(self) -> Report:
        """What it came to, once it has ended."""
        breaches = {f"{jet}, heard at {place}": n for (jet, place), n in self._heard.items() if not jet.allowed}
        heard: Counter[Jet] = Counter()
        for (jet, _), number in self._heard.items():
            heard[jet] += number
        controls = {str(jet): (self._sent[jet], heard[jet]) for jet in self._jets if jet.allowed}
        sent = sum(number for jet, number in self._sent.items() if not jet.allowed)
        paced = [(number, at) for at, number in enumerate(self._seconds[:-1]) if at not in self._apart]
        slowest, at = min(paced, default=(0, 0))
        return Report(self._ended - self._began, sent, slowest, at, breaches, controls)

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)
        turn = itertools.cycle(self._jets)
        denied = sum(not jet.allowed for jet in self._jets)
        rate = self._rate * len(self._jets) / max(1, denied)
        sent = 0
        while not self._stop.wait(_TICK) and self.lasted < _LONGEST:
            due = min(int(self.lasted * rate) - sent, _BURST)
            with self._lock:
                # a node that is cut off cannot send: its turn goes to the next one
                for jet in itertools.islice(turn, due + len(self._jets)):
                    if due <= 0:
                        break
                    done = self._send(jet)
                    sent, due = sent + done, due - done
                self._listen()
        self._ended = time.monotonic()
        self._stop.wait(_TICK)
        with self._lock:
            self._listen()

    def _send(self, jet: Jet) -> int:
        try:
            self._sockets[jet.source].sendto(self._packets[jet], (str(jet.address), 0))
        except OSError:  # its link is gone, or its buffer full: what was not sent is not counted
            return 0
        self._sent[jet] += 1
        if not jet.allowed:
            second = int(self.lasted)
            self._seconds += [0] * (second + 1 - len(self._seconds))
            self._seconds[second] += 1
        return 1

    def _listen(self) -> None:
        for ear in self._ears:
            for mark in ear.hear():
                jet = self._by_mark.get(mark)
                # on a wire only leaks count: allowed packets and those of outsiders pass there by right
                leak = jet is not None and jet.source in self._insiders and not jet.allowed
                if jet is not None and (leak or not ear.insiders_only):
                    self._heard[jet, ear.name] += 1


def _mouth(netns: Path) -> socket.socket:
    one = inside(netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
    one.settimeout(0)
    return one
