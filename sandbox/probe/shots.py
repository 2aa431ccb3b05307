"""Hand-made packets, and looking on the wire for where they came: nothing a kernel would do for a decent program.

A shot is looked for in two namespaces: at the host, on the wire before any rule, and at its target. So "did not arrive"
always comes with "but the host had it": a packet that was never sent proves nothing.
"""

import select
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.probe.ground import ARRIVED, STOPPED, UNSEEN, Try
from sandbox.probe.namespaces import identity, inside, raw_socket
from sandbox.probe.pace import CALM, Pace

LINK = "eth0"
"""The only link of every place that shoots."""

_ALL_PROTOCOLS = 0x0003  # ETH_P_ALL, <linux/if_ether.h>
_OUTGOING = 4  # PACKET_OUTGOING, <linux/if_packet.h>
_LARGEST = 65535
Behind = tuple[int, int]
"""Address family and protocol of what is heard behind a namespace's input rules."""


@dataclass(frozen=True)
class Shot:
    """Packets with a mark, from a place to a place.

    Attributes:
        name: what is tried, for people.
        sender: file of the namespace that sends.
        target: file of the namespace where it arrives if nothing stops it.
        packets: IPv4 packets, routed by the sender's kernel; or whole Ethernet frames (`frames`).
        key: bytes that only these packets carry.
        arrives: whether it should arrive.
        frames: whether `packets` are Ethernet frames, sent on the sender's link as they are.
        heard: None to look for it on the target's wire; else behind the target's input rules.
        answer: whether it is an answer to these packets that is looked for, which need not come to the host at all.
    """

    name: str
    sender: Path
    target: Path
    packets: tuple[bytes, ...]
    key: bytes
    arrives: bool
    frames: bool = False
    heard: Behind | None = None
    answer: bool = False


class _Wire:
    """Everything that comes into one namespace, kept until it is searched."""

    def __init__(self, netns: Path, heard: Behind | None) -> None:
        if heard is None:
            self.socket = raw_socket(netns, socket.AF_PACKET, socket.htons(_ALL_PROTOCOLS), socket.SOCK_DGRAM)
        else:
            self.socket = raw_socket(netns, *heard)
        self._wire = heard is None
        self._seen: list[bytes] = []

    def read(self) -> None:
        while True:
            try:
                data, address = self.socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            if not (self._wire and address[2] == _OUTGOING):
                self._seen.append(data)

    def has(self, key: bytes) -> bool:
        return any(key in data for data in self._seen)


_Wires = dict[tuple[int, Behind | None], _Wire]


def fire(shots: Sequence[Shot], host: Path, pace: Pace = CALM) -> tuple[Try, ...]:
    """Send everything at once and look where it came.

    Args:
        shots: what is sent.
        host: file of the namespace of the host that stands between.
        pace: how long to look.

    Returns:
        One try a shot, in order: `arrived`, `stopped by the host`, or `never reached the host`.
    """
    places = {(shot.target, shot.heard) for shot in shots} | {(host, None)}
    wires = {(identity(netns), heard): _Wire(netns, heard) for netns, heard in places}
    at_host = wires[identity(host), None]
    mouths: dict[tuple[int, bool], socket.socket] = {}
    try:
        said = [_send(shot, mouths) for shot in shots]
        deadline = time.monotonic() + pace.due
        while not _complete(shots, wires, at_host) and time.monotonic() < deadline:
            _read(wires.values(), 0.05)
        end = time.monotonic() + pace.grace
        while time.monotonic() < end:
            _read(wires.values(), 0.05)
        return tuple(_judge(shot, words, wires, at_host) for shot, words in zip(shots, said, strict=True))
    finally:
        for one in (*(wire.socket for wire in wires.values()), *mouths.values()):
            one.close()


def _send(shot: Shot, mouths: dict[tuple[int, bool], socket.socket]) -> str:
    """Send one shot; what the sender's kernel said if it would not, else nothing. Each place keeps its sockets."""
    family, protocol = (socket.AF_PACKET, 0) if shot.frames else (socket.AF_INET, socket.IPPROTO_RAW)
    mouth = identity(shot.sender), shot.frames
    if mouth not in mouths:
        mouths[mouth] = inside(shot.sender, lambda: socket.socket(family, socket.SOCK_RAW, protocol))
    try:
        for packet in shot.packets:
            mouths[mouth].sendto(packet, (LINK, 0) if shot.frames else (socket.inet_ntoa(packet[16:20]), 0))
    except OSError as error:
        return f"not sent: {error.strerror}"
    return ""


def _read(wires: Iterable[_Wire], patience: float) -> None:
    ours = {wire.socket: wire for wire in wires}
    for one in select.select(list(ours), [], [], patience)[0]:
        ours[one].read()


def _complete(shots: Iterable[Shot], wires: _Wires, at_host: _Wire) -> bool:
    """Whether everything that is due has been seen."""
    return all(
        wires[identity(shot.target), shot.heard].has(shot.key) if shot.arrives else shot.answer or at_host.has(shot.key)
        for shot in shots
    )


def _judge(shot: Shot, words: str, wires: _Wires, at_host: _Wire) -> Try:
    if wires[identity(shot.target), shot.heard].has(shot.key):
        measured = ARRIVED
    else:
        measured = STOPPED if shot.answer or at_host.has(shot.key) else UNSEEN
    return Try(shot.name, ARRIVED if shot.arrives else STOPPED, measured, words)
