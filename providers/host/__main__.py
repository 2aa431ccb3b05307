"""Entry point of the plugin: `python -m providers.host ENGINE_ADDRESS`; the engine's flags are accepted and ignored."""

import asyncio
import gc
import os
import sys

from providers.host.client import Worker


async def main(address: str) -> None:
    """Serve the engine at this address; the child imports pyinfra while we import Pulumi's SDK."""
    worker = Worker()
    await worker.start()
    gc.disable()  # while all is imported that stays
    from providers.host.server import serve  # noqa: PLC0415 - takes half a second, in which the child starts

    gc.enable()
    await serve(address, worker)


if __name__ == "__main__":
    address = next((word for word in reversed(sys.argv[1:]) if not word.startswith("-")), None)
    if address is None:
        sys.exit(
            "pulumi-resource-twin-host is started by the Pulumi engine, which gives its own address as the argument"
        )
    asyncio.run(main(address))
    # All is done and said. Taking the interpreter apart would keep the engine waiting for 0.2 s, twice in every run.
    os._exit(0)
