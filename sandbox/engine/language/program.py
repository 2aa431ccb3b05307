"""Runs one Pulumi program for the language host beside it, and tells the engine in plain words why it failed.

Reads its settings as JSON from standard input: where the engine is, which program, its configuration. Ends
with 0, or with 32 when the reason of the failure has been shown.
"""

import asyncio
import ctypes
import importlib
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

REPORTED = 32
SHUTTING_DOWN = "Resource monitor has terminated, shutting down"
"""What pulumi's SDK raises when the engine stopped listening; the engine has said why before it did."""

PR_SET_PDEATHSIG = 1

InStack = Callable[[Callable[[], object]], Awaitable[None]]


def tie_to(parent: int) -> None:
    """Die with the language host, whatever kills it; and die at once, not with a traceback, when asked to."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(REPORTED)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def places(error: BaseException, root: Path) -> Iterator[str]:
    """Where in the user's own files an error came through, outermost first."""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        own = path.is_relative_to(root) and not {"site-packages", ".venv"} & set(path.parts)
        if own:
            yield f"  at {path.relative_to(root)}, line {frame.lineno}, in {frame.name}: {frame.line}"


def describe(error: BaseException, root: Path) -> str:
    """An error for a person: what, where in the program, and what caused it."""
    lines = ["".join(traceback.format_exception_only(error)).rstrip(), *places(error, root)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        lines.append("caused by " + describe(cause, root))
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        lines += [describe(one, root) for one in group.exceptions]
    return "\n".join(lines)


def quiet_hooks(root: Path) -> None:
    """Errors in threads and destructors: one line each on standard error instead of a traceback."""

    def say(error: BaseException | None, where: object) -> None:
        if error is not None:
            print(f"{where}: {describe(error, root)}", file=sys.stderr)

    threading.excepthook = lambda hook: say(hook.exc_value, f"thread {hook.thread.name if hook.thread else '?'}")
    sys.unraisablehook = lambda hook: say(hook.exc_value, hook.err_msg or "while cleaning up")
    # A failed registration is reported through the awaited output; asyncio would repeat it for every copy.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def execute(run_in_stack: InStack, main: Callable[[], object], workers: int) -> None:
    """Run a program inside its stack on an event loop of its own, leaving no task behind."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=workers))
    whole = run_in_stack(main)
    try:
        loop.run_until_complete(whole)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


def reason(error: BaseException, root: Path) -> str | None:
    """The sentence for a program's end; none when nothing failed or the engine has already said it."""
    run_error: type[Exception] = importlib.import_module("pulumi").RunError
    if isinstance(error, SystemExit):
        if error.code is None or error.code == 0:
            return None
        said = f"exit code {error.code}" if isinstance(error.code, int) else error.code
        return f"the program called sys.exit: {said}"
    if isinstance(error, KeyboardInterrupt):
        return "the program was interrupted"
    if isinstance(error, run_error):
        return None if str(error) == SHUTTING_DOWN else str(error)
    return describe(error, root)


def main(settings: Mapping[str, Any]) -> int:
    """Run the program that the settings describe; the exit code."""
    tie_to(settings["parent"])
    root, entry = Path(settings["root"]), Path(settings["entry"])
    quiet_hooks(root)
    sys.argv = [str(entry), *settings["args"]]
    # This file's own folder must not shadow the program's modules.
    sys.path[0] = str(entry if entry.is_dir() else entry.parent)
    runtime: Any = importlib.import_module("pulumi.runtime")
    say: Callable[[str], None] = importlib.import_module("pulumi.log").error
    runtime.configure(
        runtime.Settings(
            monitor=settings["monitor"],
            engine=settings["engine"],
            project=settings["project"],
            stack=settings["stack"],
            organization=settings["organization"],
            root_directory=settings["root"],
            parallel=settings["parallel"],
            dry_run=settings["dry_run"],
        )
    )
    runtime.set_all_config(settings["config"], settings["secret_keys"])

    def program() -> None:
        # Returns the module's globals, which are no result of the program.
        runpy.run_path(str(entry), run_name="__main__")

    try:
        execute(runtime.run_in_stack, program, max(settings["parallel"], 1) * 4)
    except BaseException as error:  # noqa: BLE001 - whatever a program raises is shown once, in words
        text = reason(error, root)
        if isinstance(error, SystemExit) and text is None:
            return 0
        if text is not None:
            say(text)
        return REPORTED
    return 0


if __name__ == "__main__":
    code = main(json.load(sys.stdin))
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)
