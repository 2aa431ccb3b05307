"""Entry point of the plugin: the engine's address is the last argument; its flags are accepted and ignored."""

import asyncio
import os
import signal
import sys
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from providers.one_line import Context, OneLineErrors
from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.provider import StandIn

VERSION = "7.51.1"
"""The official plugin's, which the pinned SDK asks for."""

_MESSAGE_LIMIT = 400 * 1024 * 1024


async def say(error: Exception, context: Context) -> None:
    """Say a refusal as its sentence."""
    if isinstance(error, StandinError):
        code: Any = grpc.StatusCode.FAILED_PRECONDITION
        await context.abort(code, f"AWS stand-in: {error}")


async def serve(engine_address: str) -> None:
    """Serve until the engine ends us; the port goes to stdout first, as the engine expects."""
    server = grpc.aio.server(
        interceptors=[OneLineErrors(say)], options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT)]
    )
    servicer = ProviderServicer([], VERSION, StandIn(), engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while os.getppid() == engine and not ended.is_set():
        try:
            await asyncio.wait_for(ended.wait(), 1.0)
        except TimeoutError:
            continue
    await server.stop(grace=0.2)


if __name__ == "__main__":
    address = next((word for word in reversed(sys.argv[1:]) if not word.startswith("-")), None)
    if address is None:
        sys.exit("pulumi-resource-aws is started by the Pulumi engine, which gives its own address as the argument")
    asyncio.run(serve(address))
    os._exit(0)
