"""One `pulumi` command, timed from outside: when each event of the engine arrived."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sandbox.command import CommandError
from sandbox.project import Project

_STREAMING = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""The engine then writes a preview's events as they come, like an update's."""


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        at: seconds since the command was started.
        kind: `preludeEvent`, `resourcePreEvent`, `resOutputsEvent`, `summaryEvent` and so on.
        type: type token of the resource, or nothing.
        op: what is done to the resource, or nothing.
    """

    at: float
    kind: str
    type: str = ""
    op: str = ""


@dataclass(frozen=True)
class Run:
    """One command that ended well.

    Attributes:
        seconds: from its start to its end.
        preview: events of the preview.
        update: events of what was then done.
        changes: number of resources by what was done to them.
    """

    seconds: float
    preview: tuple[Event, ...]
    update: tuple[Event, ...]
    changes: dict[str, int]


def run(project: Project, *argv: str) -> Run:
    """Run a `pulumi` command that previews and then changes.

    Raises:
        CommandError: it ended with a non-zero exit code.
    """
    project = replace(project, environment={**project.environment, **_STREAMING})
    started = time.perf_counter()
    process = project.start(*argv, "--yes", "--json")
    events: list[Event] = []
    said: list[str] = []
    changes: dict[str, int] = {}
    for line in process.stdout or ():
        at = time.perf_counter() - started
        said.append(line)
        entry = _object(line)
        changes = entry.get("summaryEvent", {}).get("resourceChanges", changes)
        events += [_event(at, kind, entry[kind]) for kind in entry if kind.endswith("Event")]
    code = process.wait()
    seconds = time.perf_counter() - started
    if code != 0:
        raise CommandError(["pulumi", *argv], code, "".join(said))
    second = [index for index, event in enumerate(events) if event.kind == "preludeEvent"][1]
    return Run(seconds, tuple(events[:second]), tuple(events[second:]), changes)


def _object(line: str) -> dict[str, Any]:
    """An event's line; anything else that a plugin may have printed has no events."""
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _event(at: float, kind: str, body: dict[str, Any]) -> Event:
    of = body.get("metadata", {})
    return Event(at, kind, of.get("type", ""), of.get("op", ""))


def first(events: Sequence[Event], kind: str, of: Callable[[str], bool]) -> float | None:
    """When the first such event of such a resource came, or none did."""
    return next((event.at for event in events if event.kind == kind and of(event.type)), None)


def last(events: Sequence[Event], kind: str, of: Callable[[str], bool]) -> float | None:
    """When the last such event of such a resource came, or none did."""
    return first(events[::-1], kind, of)
