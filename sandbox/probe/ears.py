"""Listening below the sockets: what really reached a namespace, also where nobody could answer it.

Raw sockets are handed a packet after the namespace's own input rules have let it through, so what the host's firewall
drops on its way in has not arrived.
"""

import asyncio
import socket
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import Register
from sandbox.probe.namespaces import identity, raw_socket

_LARGEST = 65535
_ICMP_HEADER = 8


class Ear:
    """Raw sockets in one namespace that tell the register what arrives.

    Args:
        netns: the namespace.
        register: the tries of this run.
    """

    def __init__(self, netns: Path, register: Register) -> None:
        self._place = identity(netns)
        self._register = register
        self.icmp = raw_socket(netns, socket.AF_INET, socket.IPPROTO_ICMP)
        self._sockets = [
            (self.icmp, self._icmp),
            (raw_socket(netns, socket.AF_INET, socket.IPPROTO_TCP), self._tcp),
            (raw_socket(netns, socket.AF_INET, socket.IPPROTO_UDP), self._udp),
        ]
        for one, _ in self._sockets:
            asyncio.get_running_loop().add_reader(one, self.drain)

    def drain(self) -> None:
        """Read everything that is waiting."""
        for one, read in self._sockets:
            while True:
                try:
                    data = one.recv(_LARGEST)
                except BlockingIOError:
                    break
                packet = packets.parse(data)
                if packet is not None and packet.body:
                    read(packet)

    def close(self) -> None:
        """Stop listening."""
        for one, _ in self._sockets:
            asyncio.get_running_loop().remove_reader(one)
            one.close()

    def _tcp(self, packet: packets.Packet) -> None:
        one = self._register.by_ports(*packet.ports)
        if one and packet.opens_tcp:
            one.arrive(self._place, packet.source)

    def _udp(self, packet: packets.Packet) -> None:
        one = self._register.by_payload(packet.body)
        if one:
            one.arrive(self._place, packet.source)

    def _icmp(self, packet: packets.Packet) -> None:
        kind = packet.body[0]
        if kind in {packets.ECHO_REQUEST, packets.ECHO_REPLY}:
            one = self._register.by_payload(packet.body)
            if one and kind == packets.ECHO_REQUEST:
                one.arrive(self._place, packet.source)
            elif one:
                one.echo(self._place)
            return
        words = packets.refusal(packet.body)
        about = packets.parse(packet.body[_ICMP_HEADER:])
        if not words or about is None:
            return
        pings = about.protocol == socket.IPPROTO_ICMP
        one = self._register.by_payload(about.body) if pings else self._register.by_ports(*about.ports)
        if one:
            one.refuse(self._place, f"{words} (says {packet.source})")
