"""Conversations that are under way while the rules change, and which of their directions still carry then."""

import errno
import secrets
import socket
import time
from collections.abc import Sequence
from typing import Self

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.namespaces import inside, raw_socket
from sandbox.probe.stands import End

OPEN, THERE, BACK, RESET, SILENCE = "open", "arrived there", "arrived back", "cut: reset", "cut: silence"
"""Both directions, one of them, or none."""

_LARGEST = 4096
_LOOK = 0.01
"""Seconds between looks."""

_LOST = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


class Talk:
    """A TCP connection or an exchange of echoes, open as long as this is.

    Attributes:
        name: for people.
    """

    def __init__(self, name: str, client: socket.socket, server: socket.socket, number: int = 0) -> None:
        self.name = name
        self._ends = (client, server)
        self._number = number
        self._words = (b"", b"")
        self._heard = [b"", b""]
        self._reset = False

    @classmethod
    def tcp(cls, name: str, client: End, server: End, port: int, patience: float) -> Self:
        """Connect to a listener of ours.

        Raises:
            OSError: it is refused, or nobody answers for so many seconds.
        """
        mouth = inside(client.netns, socket.socket)
        with inside(server.netns, socket.socket) as listener:
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((str(server.listens), port))
                listener.listen()
                for one in (mouth, listener):
                    one.settimeout(patience)
                mouth.connect((str(server.address), port))
                answerer, _ = listener.accept()
            except OSError:
                mouth.close()
                raise
        return cls(name, mouth, answerer)

    @classmethod
    def echo(cls, name: str, client: End, server: End) -> Self:
        """Echo requests of one number, which connection tracking takes for one conversation."""
        mouth = raw_socket(client.netns, socket.AF_INET, socket.IPPROTO_ICMP)
        mouth.connect((str(server.address), 0))  # an error that quotes a request comes from somebody else
        ear = raw_socket(server.netns, socket.AF_INET, socket.IPPROTO_ICMP)
        return cls(name, mouth, ear, fresh_port())

    def close(self) -> None:
        """End it."""
        for one in self._ends:
            one.close()

    def say(self) -> None:
        """Something new from the client, and of a TCP connection's server as well."""
        word, answer = (secrets.token_hex(8).encode() for _ in range(2))
        client, server = self._ends
        for one in self._ends:
            one.settimeout(0)
        self._heard = [b"", b""]
        if self._number:
            self._words = word, word
            self._send(client, packets.echo_request(self._number, word))
        else:
            self._words = answer, word
            self._send(client, word)
            self._send(server, answer)

    def listen(self) -> None:
        """Take in what has come."""
        for number, one in enumerate(self._ends):
            try:
                while more := one.recv(_LARGEST):
                    self._heard[number] += more
            except BlockingIOError:
                continue
            except OSError as error:
                self._reset |= error.errno in _LOST

    @property
    def outcome(self) -> str:
        """What came of what was said last."""
        back, there = (word in heard for word, heard in zip(self._words, self._heard, strict=True))
        if there:
            return OPEN if back else THERE
        return BACK if back else RESET if self._reset else SILENCE

    def _send(self, one: socket.socket, data: bytes) -> None:
        try:
            one.send(data)
        except OSError as error:
            self._reset |= error.errno in _LOST


def hear(talks: Sequence[Talk], seconds: float) -> dict[str, str]:
    """Let every conversation go on at once, and say what came of each.

    Args:
        talks: the conversations.
        seconds: how long silence must last.
    """
    for one in talks:
        one.say()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(one.outcome != OPEN for one in talks):
        time.sleep(_LOOK)
        for one in talks:
            one.listen()
    return {one.name: one.outcome for one in talks}
