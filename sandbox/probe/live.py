"""A connection that is kept open, and asked from time to time whether each direction still works."""

import secrets
import socket
import time
from collections.abc import Callable
from typing import Self

from sandbox.probe.namespaces import inside
from sandbox.probe.stands import End
from twinvpc.model.services import Protocol

_PATIENCE = 5.0
"""Seconds in which something that works must have arrived, on a machine that does other things as well."""
_SILENCE = 1.0
"""Seconds without anything after which a direction counts as cut; the kernel repeats what was lost after 0.2."""
_LONGEST_WORD = 64


class Live:
    """One TCP connection, or one UDP exchange between two fixed ports.

    Args:
        client: who opens it.
        server: who answers, on a listener of ours.
        protocol: TCP or UDP.
        port: the server's port.
        published: address and port that the client calls, where somebody leads them to the server.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(
        self, client: End, server: End, protocol: Protocol, port: int, published: tuple[str, int] | None = None
    ) -> None:
        called = published or (str(server.address), port)
        kind = socket.SOCK_STREAM if protocol is Protocol.TCP else socket.SOCK_DGRAM
        self._client = inside(client.netns, lambda: socket.socket(socket.AF_INET, kind))
        self._client.settimeout(_PATIENCE)
        listener = inside(server.netns, lambda: socket.socket(socket.AF_INET, kind))
        listener.settimeout(_PATIENCE)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(server.address), port))
        if protocol is Protocol.TCP:
            with listener:
                listener.listen()
                self._client.connect(called)
                self._server, _ = listener.accept()
        else:
            self._client.connect(called)
            self._client.send(b"hello")
            _, peer = listener.recvfrom(_LONGEST_WORD)
            listener.connect(peer)
            listener.send(b"hello")
            self._client.recv(_LONGEST_WORD)
            self._server = listener

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._client, self._server):
            one.close()

    @property
    def works(self) -> bool:
        """Whether both directions carry."""
        return _carries(self._client, self._server, _PATIENCE) and _carries(self._server, self._client, _PATIENCE)

    @property
    def cut(self) -> bool:
        """Whether neither direction carries anything any more."""
        return not _carries(self._client, self._server, _SILENCE) and not _carries(self._server, self._client, _SILENCE)

    @property
    def reset(self) -> bool:
        """Whether an end was told that the connection is over, so that its program need not wait."""
        return any(one.fileno() >= 0 and _ended(one) for one in (self._client, self._server))


def _carries(sender: socket.socket, receiver: socket.socket, patience: float) -> bool:
    """Whether a fresh word comes out at the other end; older words on their way are passed over."""
    word = secrets.token_hex(8).encode()
    if _tried(lambda: sender.send(word)) is None:
        return False
    seen, deadline = b"", time.monotonic() + patience
    while word not in seen and (left := deadline - time.monotonic()) > 0:
        receiver.settimeout(left)
        more = _tried(lambda: receiver.recv(_LONGEST_WORD))
        if not more:
            return False
        seen += more
    return word in seen


def _tried(work: Callable[[], bytes | int]) -> bytes | None:
    """What was received or nothing, after an error too: a connection that was reset carries nothing."""
    try:
        done = work()
    except OSError:
        return None
    return done if isinstance(done, bytes) else b"sent"


def _ended(one: socket.socket) -> bool:
    one.settimeout(_SILENCE)
    try:
        one.send(b"still there?")
    except OSError as error:
        return not isinstance(error, TimeoutError)
    return False
