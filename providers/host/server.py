"""The plugin process: gRPC towards the engine, errors as one line, a quiet end on any signal."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from providers.host import VERSION
from providers.host.client import Worker
from providers.host.errors import HostError
from providers.host.kinds import InitFailedError
from providers.host.provider import HostProvider
from providers.host.pulse import Pulse, end_run
from providers.one_line import Context, OneLineErrors

_MESSAGE_LIMIT = 400 * 1024 * 1024
"""The engine's own limit; rule sets of hundreds of segments pass grpc's default of 4 MiB."""


_WATCH_SECONDS = 1.0
"""How often we look whether the engine is still there."""

_CODE: Any = grpc.StatusCode.FAILED_PRECONDITION


async def say(error: Exception, context: Context) -> None:
    """Say an error of ours as its sentence; whatever else comes is a bug of ours, named and without its traceback."""
    match error:
        case InitFailedError():
            await context.abort(_CODE, str(error), (("grpc-status-details-bin", init_failed(error)),))
        case HostError():
            await context.abort(_CODE, str(error))
        case _:
            await context.abort(grpc.StatusCode.INTERNAL, f"a bug in twin-host: {type(error).__name__}: {error}")


def init_failed(error: InitFailedError) -> bytes:
    """The status by which the engine knows a resource that is there, but not finished."""
    status = status_pb2.Status(code=_CODE.value[0], message=str(error))
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        reasons=[str(error)],
        properties=PropertyValue.marshal_map(error.properties),
    )
    status.details.add().Pack(detail)
    return status.SerializeToString()


def teller(engine_address: str, severity: "engine_pb2.LogSeverity.ValueType") -> Callable[[str], Awaitable[None]]:
    """What shows the owner a sentence at once, on the engine's terminal."""

    async def tell(text: str) -> None:
        async with grpc.aio.insecure_channel(engine_address) as channel:
            engine: Any = engine_pb2_grpc.EngineStub(channel)
            with suppress(grpc.RpcError):  # the engine has gone, or will hear the error at the end
                await engine.Log(engine_pb2.LogRequest(severity=severity, message=text), timeout=5)

    return tell


async def serve(engine_address: str, worker: Worker) -> None:
    """Serve until the engine ends us; the port goes to stdout first, as the engine expects."""
    worker.tell = teller(engine_address, engine_pb2.WARNING)
    provider = HostProvider(worker)
    server = grpc.aio.server(
        interceptors=[OneLineErrors(say)], options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT)]
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        ProviderServicer([], VERSION, provider, engine_address), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    pulse = asyncio.create_task(
        Pulse(provider.way, end_run(os.getppid(), teller(engine_address, engine_pb2.ERROR))).beat()
    )
    asked = await _asked_to_end(ended)
    pulse.cancel()
    if asked:
        await provider.cancel()
        await server.stop(grace=0.2)


async def _asked_to_end(ended: asyncio.Event) -> bool:
    """Wait until we are told to end, or until our parent is no longer the engine: a killed one can tell nobody.

    Then nobody is left to answer either; the child finishes what is under way and ends with its standard input.
    """
    engine = os.getppid()
    while os.getppid() == engine:
        with suppress(TimeoutError):
            return await asyncio.wait_for(ended.wait(), _WATCH_SECONDS)
    return False
