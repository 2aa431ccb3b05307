"""Errors of a plugin process as one sentence each, towards the engine."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import grpc.aio

Context = grpc.aio.ServicerContext[Any, Any]
Tell = Callable[[Exception, Context], Awaitable[None]]
"""Aborts the call with the sentence of an error that it knows, and returns for any other."""


class OneLineErrors(grpc.aio.ServerInterceptor):
    """An error reaches the owner as its sentence, not as grpc's traceback.

    Args:
        tell: what says a plugin's own errors; one that it leaves is grpc's to show.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def intercept_service(
        self, continuation: Callable[..., Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        """Wrap the handler of a call; every call of the provider protocol is one request and one answer."""
        handler: Any = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return cast("grpc.RpcMethodHandler[Any, Any]", handler)

        async def answer(request: object, context: Context) -> object:
            try:
                return await handler.unary_unary(request, context)
            except NotImplementedError as error:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
            except Exception as error:
                await self._tell(error, context)
                raise

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
