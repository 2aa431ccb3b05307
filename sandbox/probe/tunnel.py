"""DNS as a tunnel: names that only the asker could have made up, and whether the Internet heard them."""

import socket
import time

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_nonce, fresh_port
from sandbox.probe.ground import Ground, Try
from sandbox.probe.namespaces import inside

_ZONE = "tunnel.test"
_PATIENCE = 1.5
"""Seconds for an answer; a resolver that may not ask refuses at once."""

_HEARD, _UNHEARD = "reached the Internet", "stayed at home"
_LARGEST = 4096
_TRANSPORTS = {"UDP": (socket.SOCK_DGRAM, 0), "TCP": (socket.SOCK_STREAM, 2)}
"""Kind of socket, and the bytes that say how long a message is (RFC 1035, 4.2.2)."""
_CODES = {0: "an answer", 2: "server failure", 3: "no such name", 5: "refused"}


def tries(ground: Ground) -> tuple[Try, ...]:
    """From each segment, a name over UDP and one over TCP asked of its own router address.

    Empty where the Internet keeps no log.
    """
    if ground.dns_log is None:
        return ()
    asked = [(segment, transport) for segment in ground.segments for transport in _TRANSPORTS]
    names = {one: f"{fresh_nonce().decode()}.{_ZONE}" for one in asked}
    said = {one: _ask(ground, *one, name) for one, name in names.items()}
    time.sleep(0.2)  # for a question that is still on its way to the log
    heard = ground.dns_log.read_text(encoding="utf-8")
    return tuple(
        Try(
            f"{segment}: a name asked of its router address over {transport}",
            _HEARD if segment in ground.outside else _UNHEARD,
            _HEARD if name in heard else _UNHEARD,
            said[segment, transport],
        )
        for (segment, transport), name in names.items()
    )


def _ask(ground: Ground, segment: str, transport: str, name: str) -> str:
    """Ask and say in words what came back."""
    query = packets.dns_query(fresh_port(), name)
    kind, length = _TRANSPORTS[transport]
    client = inside(ground.stands[segment].netns, lambda: socket.socket(socket.AF_INET, kind))
    with client:
        client.settimeout(_PATIENCE)
        try:
            client.connect((str(ground.router(segment)), packets.DNS_PORT))
            client.sendall(len(query).to_bytes(length, "big") + query if length else query)
            reply = client.recv(_LARGEST) if not length else _whole(client, length)
        except OSError as error:
            return str(error)
    return _CODES.get(reply[3] & 0x0F, "another refusal") if packets.answers_query(query, reply) else "a false answer"


def _whole(client: socket.socket, length: int) -> bytes:
    """One message of a stream; shorter if the other side closed it."""
    with client.makefile("rb") as stream:
        return stream.read(int.from_bytes(stream.read(length), "big"))
