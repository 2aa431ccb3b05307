"""The words in which a stage says what came of its tries, and what they mean."""

from sandbox.probe.talks import OPEN, SILENCE

Outcome = dict[str, str]
"""What came of each try, by its name."""

LISTENERS = "listeners asked from beside them"
"""The try without which nothing can be said of cells."""

HEARD, DEAF = "heard", "deaf"
CLOSED = "closed"
NOT_OPENED = "not opened"
"""A conversation that could not begin, so nothing could cut it."""

CASE = ", though "
"""Between what is tried and what its conversation has lost."""

_THROUGH = ("open", "arrived")
_SILENT = (f"{CLOSED}: silence", "stopped", "never", DEAF, NOT_OPENED, SILENCE)


def opens(was: str, now: str) -> bool:
    """Whether something got through that did not before; an answer that is lost on its way back opens nothing."""
    return now.startswith(_THROUGH) and not was.startswith(_THROUGH)


def silent(now: str) -> bool:
    """Whether it is silence that speaks, so that a machine with much to do could have said the same."""
    return now == CLOSED or now.startswith(_SILENT)


def telling(before: Outcome) -> set[str]:
    """Names of the tries that could tell something by coming out otherwise.

    Conversations could not that never began; nor could all those that lose something together, where nobody is cut: new
    ones have told as much.
    """
    cases = {_case(name) for name, was in before.items() if was != OPEN}
    return {name for name, was in before.items() if was != NOT_OPENED and (CASE not in name or _case(name) in cases)}


def _case(name: str) -> str:
    return name.partition(CASE)[2]


def untold(outcome: Outcome) -> Outcome:
    """The same without a word on how denials were told."""
    return {name: CLOSED if now.startswith(CLOSED) else now for name, now in outcome.items()}
