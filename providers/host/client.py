"""The plugin's side of the child process."""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from providers.host.errors import HalfDoneError, HostError
from providers.host.messages import Answer, Note, Request

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_LINE = 64 * 1024 * 1024
_KEPT_LINES = 20

COMMAND = (sys.executable, "-m", "providers.host.worker")
"""What starts the child."""


async def _to_nobody(text: str) -> None:
    del text


class Worker:
    """The pyinfra child, started when it is first needed, or before.

    Args:
        command: what starts it.

    Attributes:
        tell: hands a sentence on to the owner while work is under way.
        heard: when it last had a good answer from the host, on the monotonic clock.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self.tell: Callable[[str], Awaitable[None]] = _to_nobody
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reader: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._ended = False
        self.heard = 0.0

    @property
    def is_running(self) -> bool:
        """Whether there is a child."""
        return self._process is not None and self._process.returncode is None

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._one_at_a_time.locked()

    @property
    def has_ended(self) -> bool:
        """Whether it was told to end."""
        return self._ended

    async def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            HalfDoneError: it did not work, and the host may have been changed.
            HostError: it did not work on the host, or the child ended before it could say so.
        """
        async with self._one_at_a_time:
            process = await self._started()
            if process.stdin is None or process.stdout is None:
                raise HostError("the helper process has no pipes")
            try:
                process.stdin.write(request.to_line().encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
                while line and (note := Note.from_line(line)) is not None:
                    await self.tell(note.note)
                    line = await process.stdout.readline()
            except ConnectionError:  # it ended before it read
                line = b""
            if not line:
                raise await self._obituary()
            answer = Answer.from_line(line)
        if answer.error:
            raise HalfDoneError(answer.error) if answer.half_done else HostError(answer.error)
        self.heard = time.monotonic()
        return answer

    async def end(self) -> None:
        """End the child at once. The host finishes or repeats what was under way: every step there is repeatable."""
        self._ended = True
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def start(self) -> None:
        """Start the child before it is needed: it imports pyinfra while the plugin imports Pulumi's SDK."""
        await self._started()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._ended:
            raise HostError("interrupted; run `pulumi up` again, it goes on where it stopped")
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                env=os.environ | {"PYTHONPATH": str(_ROOT)},
                start_new_session=True,  # Ctrl-C is the plugin's to hear
            )
            self._reader = asyncio.create_task(self._keep_stderr(self._process))
        return self._process

    async def _keep_stderr(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is not None:
            async for line in process.stderr:
                self._stderr.append(line.decode(errors="replace").rstrip())

    async def _obituary(self) -> HostError:
        if self._ended:
            return HalfDoneError("interrupted; run `pulumi up` again, it goes on where it stopped")
        if self._process is not None and self._reader is not None:
            await self._reader
            await self._process.wait()
        last = self._stderr[-1] if self._stderr else "it said nothing"
        return HostError(
            f"the helper process that runs pyinfra ended early: {last}; "
            "run `pip install -r requirements.txt`, then `pulumi up` again"
        )
