"""Listeners of ours that echo a nonce and tell the register whom they saw."""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address

from sandbox.probe.attempts import NONCE, NONCE_LENGTH, MeasurementError, Register, fresh_nonce
from sandbox.probe.namespaces import identity, inside
from sandbox.probe.stands import End
from twinvpc.model.services import Protocol

_BACKLOG = 256
_PATIENCE = 10.0
"""Seconds; only something broken takes that long."""

_KINDS = {Protocol.TCP: socket.SOCK_STREAM, Protocol.UDP: socket.SOCK_DGRAM}


def echo(nonce: bytes) -> bytes:
    """What a listener answers."""
    return nonce


class Listener:
    """A TCP or UDP socket on one address and port of a namespace.

    Args:
        end: where it listens.
        protocol: TCP or UDP.
        port: its port.
        register: the tries of this run.

    Raises:
        MeasurementError: the port is taken, or the address is not there.
    """

    def __init__(self, end: End, protocol: Protocol, port: int, register: Register) -> None:
        self.name = f"{end.listens} {protocol}/{port}"
        self._end, self._protocol, self._port = end, protocol, port
        self._place = identity(end.netns)
        self._register = register
        self._socket = self._open()
        self._tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._accept if protocol is Protocol.TCP else self._receive)

    def close(self) -> None:
        """Stop listening and let go of every connection."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        for task in self._tasks:
            task.cancel()

    async def answers_locally(self, patience: float) -> bool:
        """Whether a client in its own namespace is answered in time: a deaf listener proves nothing about a denied try.

        Args:
            patience: seconds.
        """
        client = inside(self._end.netns, lambda: socket.socket(socket.AF_INET, _KINDS[self._protocol]))
        client.settimeout(0)
        loop = asyncio.get_running_loop()
        nonce = fresh_nonce()
        try:
            async with asyncio.timeout(patience):
                await loop.sock_connect(client, (str(self._end.listens), self._port))
                await loop.sock_sendall(client, nonce)
                return await loop.sock_recv(client, NONCE_LENGTH) == nonce
        except (TimeoutError, OSError):
            return False
        finally:
            client.close()

    def _open(self) -> socket.socket:
        def make() -> socket.socket:
            one = socket.socket(socket.AF_INET, _KINDS[self._protocol])
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(self._protocol is Protocol.TCP))
                one.bind((str(self._end.listens), self._port))
                if self._protocol is Protocol.TCP:
                    one.listen(_BACKLOG)
            except OSError as error:
                one.close()
                raise MeasurementError(
                    f"cannot listen on {self.name} in {self._end.netns}: {error.strerror}; "
                    "if a real service answers there, name it in `Stand.services`"
                ) from None
            one.settimeout(0)
            return one

        return inside(self._end.netns, make)

    def _accept(self) -> None:
        while True:
            try:
                connection, (address, _) = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            connection.settimeout(0)
            task = asyncio.get_running_loop().create_task(self._serve(connection, IPv4Address(address)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, client: IPv4Address) -> None:
        loop = asyncio.get_running_loop()
        with connection:
            try:
                async with asyncio.timeout(_PATIENCE):
                    nonce = await receive(connection, NONCE_LENGTH)
                    self._note(nonce, client)
                    await loop.sock_sendall(connection, echo(nonce))
            except (TimeoutError, OSError):  # the client went away: its own end of the try says how it ended
                return

    def _receive(self) -> None:
        while True:
            try:
                data, (address, port) = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error about an earlier answer of ours; the client's end tells
                continue
            found = NONCE.search(data)
            if found:
                self._note(found[0], IPv4Address(address))
                self._reply(echo(found[0]), (address, port))

    def _reply(self, data: bytes, client: tuple[str, int]) -> None:
        try:
            self._socket.sendto(data, client)
        except OSError:  # no way back: the client hears nothing, and that is what it reports
            return

    def _note(self, nonce: bytes, client: IPv4Address) -> None:
        one = self._register.by_payload(nonce)
        if one:
            one.arrive(self._place, client)


async def receive(connection: socket.socket, length: int) -> bytes:
    """Read exactly so many bytes, or fewer if the other side ends before."""
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < length:
        more = await loop.sock_recv(connection, length - len(data))
        if not more:
            break
        data += more
    return data


def listen(register: Register) -> tuple[Listener, ...]:
    """The listeners that a run's tries need, each once; real services need none.

    Raises:
        MeasurementError: one cannot be opened. None stays open then.
    """
    wanted = {
        (one.server_place, one.server.listens, one.probe.protocol, one.probe.port): one.server
        for one in register.tries
        if not one.real and one.probe.protocol is not Protocol.ICMP
    }
    opened: list[Listener] = []
    try:
        for (_, _, protocol, port), end in wanted.items():
            opened.append(Listener(end, protocol, port, register))
    except MeasurementError:
        close(opened)
        raise
    return tuple(opened)


def close(listeners: Iterable[Listener]) -> None:
    """Close them all."""
    for one in listeners:
        one.close()
