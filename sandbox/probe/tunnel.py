"""DNS as a tunnel: names that only the asker could have made up, and whether the Internet heard them."""

import socket
import time
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_nonce, fresh_port
from sandbox.probe.ground import Ground, Try
from sandbox.probe.namespaces import inside

_ZONE = "tunnel.test"
_PATIENCE = 1.5
"""Seconds for an answer; a resolver that may not ask refuses at once."""

_HEARD, _UNHEARD = "reached the Internet", "stayed at home"
_LARGEST = 4096
_CODES = {0: "an answer", 2: "server failure", 3: "no such name", 5: "refused"}


def tries(ground: Ground) -> tuple[Try, ...]:
    """From each segment, one name asked of its own router address; empty where the Internet keeps no log."""
    if ground.dns_log is None:
        return ()
    names = {segment: f"{fresh_nonce().decode()}.{_ZONE}" for segment in ground.segments}
    said = {segment: _ask(ground, segment, name) for segment, name in names.items()}
    time.sleep(0.2)  # for a question that is still on its way to the log
    heard = ground.dns_log.read_text(encoding="utf-8")
    return tuple(
        Try(
            f"{segment}: a name asked of its router address",
            _HEARD if segment in ground.outside else _UNHEARD,
            _HEARD if name in heard else _UNHEARD,
            said[segment],
        )
        for segment, name in names.items()
    )


def _ask(ground: Ground, segment: str, name: str) -> str:
    """Ask over UDP and say in words what came back."""
    client = _socket(ground.stands[segment].netns)
    query = packets.dns_query(fresh_port(), name)
    with client:
        client.settimeout(_PATIENCE)
        try:
            client.connect((str(ground.router(segment)), packets.DNS_PORT))
            client.send(query)
            reply = client.recv(_LARGEST)
        except OSError as error:
            return str(error)
    return _CODES.get(reply[3] & 0x0F, "another refusal") if packets.answers_query(query, reply) else "a false answer"


def _socket(netns: Path) -> socket.socket:
    return inside(netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
