"""A provider for the engine's tests: one resource, `toy:index:Thing`, that takes as long as it is told to."""

import asyncio
import sys

from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.server import main


class Toy(api.Provider):
    """Echoes its inputs; `seconds` delays the creation, `broken` makes it fail."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def check_config(self, request: api.CheckRequest) -> api.CheckResponse:
        return api.CheckResponse(inputs=request.new_inputs)

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        del request
        return api.ConfigureResponse()

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        return api.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        return api.DiffResponse(changes=request.new_inputs != request.old_state)

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        if "broken" in request.properties:
            raise ValueError("toy is broken on purpose")
        seconds = request.properties.get("seconds")
        if seconds is not None and not request.preview:
            print("toy is slow", file=sys.stderr)
            try:
                await asyncio.wait_for(self.cancelled.wait(), float(str(seconds.value)))
            except TimeoutError:
                return api.CreateResponse(resource_id="thing", properties=request.properties)
            raise RuntimeError("toy was cancelled")
        return api.CreateResponse(resource_id="thing", properties=request.properties)

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        return api.ReadResponse(resource_id=request.resource_id, properties=request.properties, inputs=request.inputs)

    async def delete(self, request: api.DeleteRequest) -> None:
        del request

    async def cancel(self) -> None:
        self.cancelled.set()


if __name__ == "__main__":
    main(sys.argv[1:], "0.1.0", Toy())
