"""Whether the host still answers while others of this run wait for it.

A connection that goes silent, as if a cable were drawn, is told to nobody: the kernel tries again for a quarter of an
hour, and the libvirt plugin's own SSH client waits that long (terraform-provider-libvirt v0.8.3, libvirt/uri/ssh.go:
no keepalive, and none can be configured). We wait for the same host over the same cable. So we knock, and when
nobody has opened for long enough, the run is ended as its owner would end it: by Ctrl-C, twice.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable

from providers.host.connection import Connection
from providers.host.errors import HostError
from providers.host.kinds import Way
from providers.host.messages import Request

SILENT_SECONDS = 45.0
"""How long the host may be silent. Whatever a network repairs by itself, it has repaired by then."""
KNOCK_SECONDS = 10.0
"""How long nothing was heard before we knock: a run without troubles hardly ever does."""
_AGAIN_SECONDS = 2.0
_PAUSE = 3.0
"""Between the first Ctrl-C, after which the engine waits for its plugins, and the second, after which it does not."""


class Pulse:
    """Knocks at the host while nobody else of this provider asks it anything.

    Args:
        way: to the host.
        give_up: ends the run; gets the sentence for its owner.
        silent: how long the host may be silent, in seconds.
        knock: how long nothing was heard before we knock, in seconds.
    """

    def __init__(
        self,
        way: Way,
        give_up: Callable[[str], Awaitable[None]],
        silent: float = SILENT_SECONDS,
        knock: float = KNOCK_SECONDS,
    ) -> None:
        self._way = way
        self._give_up = give_up
        self._silent = silent
        self._knock = knock

    async def beat(self) -> None:
        """Go on until the host has been silent for too long."""
        since, worker = time.monotonic(), self._way.worker
        while True:
            due = max(since, worker.heard) + self._knock - time.monotonic()
            await asyncio.sleep(max(due, min(self._knock, _AGAIN_SECONDS)))
            where = self._where()
            if where is None or worker.is_busy:  # whoever asks is told by its own answer
                since = time.monotonic()
                continue
            try:
                await self._way.ask(Request("knock", where))
            except HostError as error:
                quiet = time.monotonic() - max(since, worker.heard)
                if quiet >= self._silent and not worker.has_ended:
                    await self._give_up(_said(quiet, str(error)))
                    return

    def _where(self) -> Connection | None:
        """The host, once we have been told of it and can reach it with what we were told."""
        try:
            return self._way.connection()
        except HostError:
            return None


def _said(seconds: float, why: str) -> str:
    return (
        f"the host has been silent for {seconds:.0f} s, as if a cable were drawn ({why.partition('; ')[0]}). Others of "
        "this run would wait for it much longer, so the run is ended as by Ctrl-C; what is denied stays denied. When "
        "the host answers again, `make recover STACK=…` puts the state right, and the next run goes on"
    )


def end_run(engine: int, tell: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    """What ends the run of an engine: a sentence to its owner, and Ctrl-C twice.

    Args:
        engine: the process that has started us; once another one is our parent, nothing is done.
        tell: says an error to the owner.
    """

    async def give_up(said: str) -> None:
        await tell(said)
        _interrupt(engine)
        await asyncio.sleep(_PAUSE)
        _interrupt(engine)

    return give_up


def _interrupt(engine: int) -> None:
    if os.getppid() == engine:
        os.kill(engine, signal.SIGINT)
