"""Entry point of the plugin: the engine's address is the last argument; its flags are accepted and ignored."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import grpc.aio
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.provider import StandIn

VERSION = "7.51.1"
"""The official plugin's, which the pinned SDK asks for."""

_MESSAGE_LIMIT = 400 * 1024 * 1024


class OneLineErrors(grpc.aio.ServerInterceptor):
    """A refusal reaches the owner as its sentence."""

    async def intercept_service(
        self, continuation: Callable[..., Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        """Wrap the handler of a call; every call of the provider protocol is one request and one answer."""
        handler: Any = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return cast("grpc.RpcMethodHandler[Any, Any]", handler)

        async def answer(request: object, context: "grpc.aio.ServicerContext[Any, Any]") -> object:
            code: Any = grpc.StatusCode.FAILED_PRECONDITION
            try:
                return await handler.unary_unary(request, context)
            except StandinError as error:
                await context.abort(code, f"AWS stand-in: {error}")
            except NotImplementedError as error:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


async def serve(engine_address: str) -> None:
    """Serve until the engine ends us; the port goes to stdout first, as the engine expects."""
    server = grpc.aio.server(
        interceptors=[OneLineErrors()], options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT)]
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
