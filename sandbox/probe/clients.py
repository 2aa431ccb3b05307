"""The opening side of a try: connect, say the nonce, wait for exactly that nonce."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from sandbox.probe import packets
from sandbox.probe.attempts import NONCE_LENGTH, Attempt, MeasurementError, Register
from sandbox.probe.namespaces import inside
from sandbox.probe.servers import receive
from twinvpc.model.services import Protocol

_SLICES = 10
"""Parts in which a try waits. On a busy machine a part lasts as long as this process was kept from looking, so there
are always ten looks before silence counts."""

_AGAIN = 0.3
"""Seconds between repeats of what nobody else repeats: UDP and ICMP."""

_ATTEMPTS = 50
_LARGEST = 65535
_WORDS = {
    errno.ECONNREFUSED: "refused: reset",
    errno.ECONNRESET: "refused: reset",
    errno.EHOSTUNREACH: "refused: unreachable",
    errno.ENETUNREACH: "no route",
    errno.EACCES: "no route: prohibited by the source's own routing",
    errno.EPERM: "refused by the source's own firewall",
}


async def attempt(
    one: Attempt, icmp: socket.socket, register: Register, drain: Callable[[], None], silence: float
) -> None:
    """Carry out one try and note in it how it ended.

    Args:
        one: the try.
        icmp: a raw ICMP socket in the client's namespace.
        register: where the try is found by its source port.
        drain: reads what the client's namespace has heard so far.
        silence: seconds after which no answer is an outcome.
    """
    exchange = asyncio.ensure_future(_exchange(one, icmp, register))
    for _ in range(_SLICES):
        done, _ = await asyncio.wait(
            {exchange, one.refused}, timeout=silence / _SLICES, return_when=asyncio.FIRST_COMPLETED
        )
        if done:
            break
    drain()
    if exchange.done():
        one.answered, one.detail = exchange.result()
        if not one.answered and one.refused.done():
            one.detail = one.refused.result()
        return
    one.detail = one.refused.result() if one.refused.done() else f"no answer in {silence} s"
    exchange.cancel()
    await asyncio.wait({exchange})


async def _exchange(one: Attempt, icmp: socket.socket, register: Register) -> tuple[bool, str]:
    try:
        if one.probe.protocol is Protocol.ICMP:
            return await _ping(one, icmp)
        with _client(one, register) as client:
            talk = _talk_tcp if one.probe.protocol is Protocol.TCP else _talk_udp
            return await talk(one, client)
    except OSError as error:
        return False, _WORDS.get(error.errno or 0, os.strerror(error.errno or 0))


def _client(one: Attempt, register: Register) -> socket.socket:
    """A socket bound to the try's own source port; the source address is the kernel's choice, as for any program."""
    kind = socket.SOCK_STREAM if one.probe.protocol is Protocol.TCP else socket.SOCK_DGRAM
    client = inside(one.client.netns, lambda: socket.socket(socket.AF_INET, kind))
    client.settimeout(0)
    if kind == socket.SOCK_STREAM:
        # closed by a reset: nothing of the try stays behind, neither here nor in the host's conntrack
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for _ in range(_ATTEMPTS):
        try:
            client.bind(("0.0.0.0", one.port))  # noqa: S104 - a client's port; nothing listens on it
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            register.move(one)
        else:
            return client
    raise MeasurementError(f"{one.probe}: {_ATTEMPTS} source ports in a row are taken in {one.client.netns}")


async def _talk_tcp(one: Attempt, client: socket.socket) -> tuple[bool, str]:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (str(one.server.address), one.probe.port))
    if not one.real:
        await loop.sock_sendall(client, one.nonce)
        return _judge(same=await receive(client, NONCE_LENGTH) == one.nonce)
    if one.probe.port == packets.DNS_PORT:
        query = _query(one)
        await loop.sock_sendall(client, len(query).to_bytes(2, "big") + query)
        length = int.from_bytes(await receive(client, 2), "big")
        return _judge(same=packets.answers_query(query, await receive(client, length)))
    greeting = await loop.sock_recv(client, _LARGEST)
    return (True, "answered") if greeting else (False, "connected, but the service said nothing")


async def _talk_udp(one: Attempt, client: socket.socket) -> tuple[bool, str]:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (str(one.server.address), one.probe.port))
    request = _query(one) if one.real else one.nonce
    while True:
        await loop.sock_sendall(client, request)
        try:
            async with asyncio.timeout(_AGAIN):
                reply = await loop.sock_recv(client, _LARGEST)
        except TimeoutError:
            continue
        return _judge(same=packets.answers_query(request, reply) if one.real else reply == request)


async def _ping(one: Attempt, icmp: socket.socket) -> tuple[bool, str]:
    message = packets.echo_request(one.port, one.nonce)
    while True:
        icmp.sendto(message, (str(one.server.address), 0))
        done, _ = await asyncio.wait({one.echoed}, timeout=_AGAIN)
        if done:
            return True, "answered"


def _query(one: Attempt) -> bytes:
    return packets.dns_query(one.port, f"{one.nonce.decode()}.probe.test")


def _judge(*, same: bool) -> tuple[bool, str]:
    return (True, "answered") if same else (False, "answered, but not to this try")
