"""A host that goes silent ends the run in bounded time, in words; anything else does not."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from providers.host import pulse, wire
from providers.host.client import Worker
from providers.host.kinds import Way
from providers.host.messages import Answer, Request
from providers.host.pulse import Pulse

SILENT = 0.6
LOST = "the connection to root@dell:2200 broke off (timed out); run `pulumi up` again, it goes on"


def child(*answers: Answer, forever: Answer, seconds: float = 0.0) -> Worker:
    """A child that gives these answers in turn, then always the same; the first one after a while."""
    first = [one.to_line() for one in answers]
    code = (
        "import sys, time\n"
        f"answers = {first!r}\n"
        f"waits = [{seconds}]\n"
        "for _ in sys.stdin:\n"
        "    time.sleep(waits.pop() if waits else 0)\n"
        f"    print(answers.pop(0) if answers else {forever.to_line()!r}, flush=True)\n"
    )
    return Worker((sys.executable, "-c", code))


def told(worker: Worker, seconds: float, **settings: object) -> list[str]:
    """What the owner is told within this time."""
    said: list[str] = []

    async def say(sentence: str) -> None:
        said.append(sentence)

    async def beat() -> None:
        way = Way(worker)
        if settings:
            way.configure(wire.properties(settings))
        await worker.start()
        beating = asyncio.create_task(Pulse(way, say, SILENT, 0.1).beat())
        await asyncio.wait((beating,), timeout=seconds)
        beating.cancel()
        await worker.end()

    asyncio.run(beat())
    return said


@pytest.fixture
def dell(tmp_path: Path) -> dict[str, object]:
    for name in ("key", "known_hosts"):
        (tmp_path / name).write_text("")
    return {"address": "dell", "keyFile": str(tmp_path / "key"), "knownHosts": str(tmp_path / "known_hosts")}


def test_a_silent_host_ends_the_run_once_in_plain_words(dell: dict[str, object]) -> None:
    (said,) = told(child(forever=Answer(error=LOST)), 5, **dell)
    for words in ("has been silent for", "broke off (timed out)", "as by Ctrl-C", "make recover", "stays denied"):
        assert words in said
    assert "run `pulumi up` again" not in said


def test_a_host_that_answers_ends_nothing(dell: dict[str, object]) -> None:
    assert told(child(forever=Answer()), 3 * SILENT, **dell) == []


def test_nobody_is_looked_for_before_the_engine_has_said_where() -> None:
    assert told(child(forever=Answer(error=LOST)), 3 * SILENT) == []


def test_a_short_silence_ends_nothing(dell: dict[str, object]) -> None:
    short = [Answer(error=LOST)] * 2
    assert told(child(Answer(), *short, Answer(), *short, forever=Answer()), 3 * SILENT, **dell) == []


def test_while_somebody_else_asks_nobody_knocks_and_nothing_ends(dell: dict[str, object]) -> None:
    """A long step of ours has its own limit, and the host may be taking a change back meanwhile (ADR 35)."""
    worker = child(forever=Answer(error=LOST), seconds=2 * SILENT)
    said: list[str] = []

    async def say(sentence: str) -> None:
        said.append(sentence)

    async def busy() -> None:
        way = Way(worker)
        way.configure(wire.properties(dell))
        asking = asyncio.create_task(worker.ask(Request("apply", way.connection())))
        beating = asyncio.create_task(Pulse(way, say, SILENT, 0.1).beat())
        await asyncio.wait((asking,))
        assert asking.exception() is not None
        await asyncio.sleep(SILENT / 3)
        beating.cancel()
        await worker.end()

    asyncio.run(busy())
    assert said == []


def test_the_engine_gets_ctrl_c_twice_and_only_while_it_is_our_parent(capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from providers.host import pulse\n"
        "pulse._PAUSE = 0.2\n"
        "async def say(sentence): print(sentence)\n"
        "async def end(engine):\n"
        "    await pulse.end_run(engine, say)('silent')\n"
        "asyncio.run(end(int(sys.argv[1])))\n"
    )
    heard: list[float] = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(time.monotonic()))
    try:
        for engine in (os.getpid(), os.getpid() + 1):
            root = str(Path(pulse.__file__).parents[2])
            subprocess.run([sys.executable, "-c", code, str(engine)], cwd=root, check=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(heard) == 2
    assert heard[1] - heard[0] > 0.1
    assert capfd.readouterr().out == "silent\nsilent\n"
