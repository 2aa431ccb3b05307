"""What the laptop may ask of the host: one verb with its words in JSON, one answer in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from operations.adopt.remote import attach, backup, later, look, restore, take
from operations.adopt.remote.shell import StepError

VERBS: dict[str, Callable[..., Any]] = {
    "look": look.look,
    "back_up": backup.make,
    "whole": backup.whole,
    "mark": backup.mark,
    "take": take.take,
    "reattach": attach.reattach,
    "retire": take.retire,
    "record": later.record,
    "undoing": later.undoing,
    "restore": restore.restore,
}


def main(request: str) -> None:
    """Do one thing and print what came of it; a failure is an answer too."""
    asked: dict[str, Any] = json.loads(request)
    try:
        answer = {"answer": VERBS[asked["verb"]](**asked["words"])}
    except (StepError, OSError, UnicodeError) as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
    sys.stdout.flush()
