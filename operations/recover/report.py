"""What a recovery did, for people and for programs."""

import sys
from dataclasses import dataclass, field


@dataclass
class Report:
    """What was done and what was left.

    Attributes:
        stack: the stack.
        unlocked: holders whose locks were taken away.
        cleared: operations that the killed run had begun, as `creating vpc-public`.
        mended: things whose making or removal had broken off, and what became of them.
        adopted: things of the host that are in the state again.
        left: what was not touched, and what to do about it.
    """

    stack: str
    unlocked: list[str] = field(default_factory=list[str])
    cleared: list[str] = field(default_factory=list[str])
    mended: list[str] = field(default_factory=list[str])
    adopted: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])


def progress(text: str) -> None:
    """One line for the person who waits; standard output is the report's."""
    print(f"» {text}", file=sys.stderr, flush=True)
