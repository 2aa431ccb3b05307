"""The Internet's only name server: a few test names, and a record of every query that got here.

A query that a closed segment managed to send out, whatever name it carries, shows in the log. The server answers
with 203.0.113.10 for every name below its zones, and that no other name exists.
"""

import asyncio
import json
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from sandbox.dell import daemon
from sandbox.dell.site import INTERNET, RESOLVER, Site

PORT = 53
ZONES = ("tunnel.test", "example.test")
_HEADER = struct.Struct("!6H")
_TYPE_A = 1
_NO_SUCH_NAME = 3
_POINTER = 0xC0
_TTL = 5
"""Seconds; short, so that no cache hides a query from the log for long."""


@dataclass(frozen=True)
class Question:
    """What a query asks: the name in lower case without its last dot, the record type's number, the bytes."""

    name: str
    type: int
    wire: bytes


def parse(message: bytes) -> Question:
    """Read the first question of a DNS message.

    Raises:
        ValueError: it is no query with one plain question.
    """
    if len(message) < _HEADER.size:
        raise ValueError("shorter than a DNS header")
    _, flags, count, *_ = _HEADER.unpack_from(message)
    if flags & 0x8000 or count != 1:
        raise ValueError("not a query with one question")
    labels: list[str] = []
    at = _HEADER.size
    while message[at : at + 1] not in (b"\0", b""):
        length = message[at]
        if length >= _POINTER:
            raise ValueError("a compressed name in a question")
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "backslashreplace").lower())
        at += 1 + length
    end = at + 5
    if len(message) < end:
        raise ValueError("the question is cut off")
    return Question(".".join(labels), int.from_bytes(message[at + 1 : at + 3], "big"), message[_HEADER.size : end])


def answer(message: bytes, question: Question) -> bytes:
    """The reply to a query: authoritative, with an address, without one, or saying that there is no such name."""
    number, flags, *_ = _HEADER.unpack_from(message)
    known = any(question.name == zone or question.name.endswith(f".{zone}") for zone in ZONES)
    code = 0 if known else _NO_SUCH_NAME
    record = b""
    if known and question.type == _TYPE_A:
        record = struct.pack("!HHHIH", 0xC00C, _TYPE_A, 1, _TTL, 4) + INTERNET.packed
    reply = 0x8480 | (flags & 0x0100) | code  # response, authoritative, recursion available; recursion desired as asked
    return _HEADER.pack(number, reply, 1, int(bool(record)), 0, 0) + question.wire + record


class Server(asyncio.DatagramProtocol):
    """Answers over UDP as a protocol and over TCP as a stream handler, writing both into one log."""

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where replies go out."""
        # not told by isinstance: before Python 3.12 the event loop's own transport was no subclass of it
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query over UDP."""
        reply = self.reply(data, addr[0], "udp")
        if reply and self._transport:
            self._transport.sendto(reply, addr)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer queries over one TCP connection until the other side closes it."""
        source = str(writer.get_extra_info("peername")[0])
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                reply = self.reply(await reader.readexactly(length), source, "tcp")
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def reply(self, message: bytes, source: str, transport: str) -> bytes:
        """Log a message and return its reply; one that is no query is logged with its fault and not answered."""
        note: dict[str, str | int | float] = {"time": time.time(), "source": source, "transport": transport}
        try:
            question = parse(message)
        except ValueError as error:
            self._write(note | {"fault": str(error), "bytes": len(message)})
            return b""
        self._write(note | {"name": question.name, "type": question.type})
        return answer(message, question)

    def _write(self, note: dict[str, str | int | float]) -> None:
        self._log.write(json.dumps(note) + "\n")
        self._log.flush()


async def serve(log: Path) -> None:
    """Answer on the resolver's address, over UDP and TCP, until cancelled."""
    with log.open("a") as handle:
        server = Server(handle)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: server, local_addr=(str(RESOLVER), PORT))
        stream = await asyncio.start_server(server.stream, str(RESOLVER), PORT)
        await stream.serve_forever()


if __name__ == "__main__":
    here = Site(sys.argv[1])
    daemon.enrol(here, "dns")
    asyncio.run(serve(here.dns_log))
