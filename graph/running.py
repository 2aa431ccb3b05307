"""Running a program with a stand-in in the engine's place."""

import asyncio
import json
from collections.abc import Callable

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.stack import run_in_stack

PROJECT = "twin-vpc"


def configure(
    monitor: mocks.MockMonitor, log: mocks.MockEngine, features: set[str], stack: str, *, preview: bool, root: str = ""
) -> None:
    """Put stand-ins in the engine's place, for the program that runs next.

    Args:
        monitor: takes what the program registers.
        log: takes what it says.
        features: what the monitor can do, in the engine's words.
        stack: the stack's name.
        preview: whether nothing is deployed.
        root: the program's folder, as it is told to the program.
    """
    pulumi.runtime.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=features,
            engine=log,
            project=PROJECT,
            stack=stack,
            dry_run=preview,
            organization="organization",
            root_directory=root,
        )
    )


def finish(program: Callable[[], None]) -> None:
    """Run a program to its end, on an event loop of its own that leaves nothing behind."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run_in_stack(program))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)


def as_setting(value: object) -> str:
    """A value of a stack file as Pulumi hands it to a program: text, and JSON for lists and maps."""
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case _:
            return json.dumps(value, sort_keys=True, separators=(",", ":"))
