"""Changes that can cut the owner off: the host takes them back by itself unless a new login comes in time.

A policy or sshd's settings are installed with a rollback armed before (`shell/guard.sh`). Only a connection made anew
through what was installed, with a login of its own, confirms it: the session that installed it proves nothing, as
established connections mostly pass. Used by the child process only.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from providers.host.deploy import ROLLBACK_SECONDS, Guard, settle
from providers.host.errors import HalfDoneError, HostError
from providers.host.files import GuardKind
from providers.host.session import Outcome, Session

Verdict = Literal["armed", "confirmed", "kept", "rolled-back", "gone", "unknown"]
What = Literal["look", "confirm", "keep", "undo"]

ARMED, IDLE, ENDED = "guard: armed\n", "guard: idle\n", "guard: ended\n"
"""What `guard run` says around the program's own words."""
_FAILED: Mapping[GuardKind, What] = {"policy": "keep", "sshd": "undo"}
"""What becomes of a step that ended badly: half a policy still denies and is completed by the next run."""
_PATIENCE = 3
"""So often a new way in may fail, while the old one works, before the change is given up."""
_PAUSE = 1.0
"""Seconds between two tries."""


class _CannotArmError(Exception):
    """The guard ended before anything was changed; the text says why."""


@dataclass(frozen=True)
class Run:
    """What became of a guarded program.

    Attributes:
        outcome: what it said, and whether it ended well.
        armed: whether a rollback waits for the confirmation; a run that was cut off counts as armed.
        complete: whether it ended by itself, as far as this end has heard.
    """

    outcome: Outcome
    armed: bool
    complete: bool


def new_guard(session: Session, kind: GuardKind, bridges: Sequence[str] = ()) -> Guard:
    """A guard for one change over this session."""
    return Guard(kind, session.connection.confirm_seconds, secrets.token_hex(8), tuple(bridges))


def commit(session: Session, guard: Guard, step: Callable[[], Outcome], ways: Sequence[Session] = ()) -> Outcome:
    """Run a guarded step, then confirm what it did by a new login.

    Args:
        session: to the host; it has a new connection afterwards.
        guard: what the step arms.
        step: installs the change by `deploy.guarded`.
        ways: sessions by which the host must be reachable besides, such as on a new port.

    Returns:
        What the step said. One that ended badly was taken back already if it was sshd's.

    Raises:
        HalfDoneError: it is not known what the host holds now.
        HostError: the host has taken the change back.
    """
    began = time.monotonic()
    try:
        run = _heard(step)
    except _CannotArmError as error:
        raise HostError(
            f"{session.connection.label}: nothing was changed: the host cannot promise to take the change back: {error}"
        ) from error
    if not run.armed:
        return run.outcome
    what: What = "undo" if not run.complete else "confirm" if run.outcome.succeeded else _FAILED[guard.kind]
    unseen = ""
    if session.needs_witness:
        what = "look" if what == "confirm" else "undo"
        unseen = f"nobody who had logged in anew ran `{_witness(guard)}`"
    if what == "look":
        session.tell(
            f"{_witness(guard)}: run this within {guard.seconds} s from a new SSH login, as root: you came by SSH, so "
            "only that proves that you still get in. Else the host takes the change back"
        )
    verdict, why = _settled(session, guard, what, ways)
    why = why or unseen
    if verdict in {"confirmed", "kept"} or (verdict == "rolled-back" and run.complete and what == "undo"):
        return run.outcome
    raise _taken_back(session, guard, verdict, why or run.outcome.stderr, time.monotonic() - began)


def _witness(guard: Guard) -> str:
    """The owner's word for a change, which counts from a new login only."""
    return f"sh /var/lib/twin-vpc-guard/{guard.kind}/guard confirm {guard.kind}"


def _heard(step: Callable[[], Outcome]) -> Run:
    try:
        outcome = step()
    except HostError as error:  # the connection broke off; the program may still run there
        return Run(Outcome(succeeded=False, stdout="", stderr=str(error)), armed=True, complete=False)
    said = outcome.stdout if outcome.stdout.endswith("\n") or not outcome.stdout else outcome.stdout + "\n"
    complete = said.endswith(ENDED)
    body = said.removesuffix(ENDED)
    for first, armed in ((ARMED, True), (IDLE, False)):
        if body.startswith(first):
            return Run(replace(outcome, stdout=body.removeprefix(first)), armed, complete)
    if outcome.stderr and not said:
        raise _CannotArmError(outcome.stderr)
    return Run(outcome, armed=True, complete=False)


def _settled(session: Session, guard: Guard, what: What, ways: Sequence[Session]) -> tuple[Verdict, str]:
    """The verdict, and why no new login came, if none came. It ends: the host decides when its time is up."""
    deadline = time.monotonic() + guard.seconds + 2 * ROLLBACK_SECONDS
    why, failures = "", 0
    while time.monotonic() < deadline:
        refused = _refusal(ways, guard)
        why = refused or why
        failures += bool(refused)
        now: What = "undo" if failures >= _PATIENCE else "look" if refused else what
        try:
            verdict = _say(session, guard, now)
        except HostError as error:
            verdict, why = "armed", str(error)
        if verdict != "armed":
            return verdict, why
        time.sleep(_PAUSE)
    return "unknown", why


def _refusal(ways: Sequence[Session], guard: Guard) -> str:
    for way in ways:
        try:
            _say(way, guard, "look")
        except HostError as error:
            return str(error)
    return ""


def _say(session: Session, guard: Guard, what: What) -> Verdict:
    """One word over a connection of its own."""
    session.renew()
    step: Callable[..., Any] = settle
    outcome = session.run(step, guard, what)
    word = outcome.stdout.strip()
    if not outcome.succeeded or word not in {"armed", "confirmed", "kept", "rolled-back", "gone"}:
        raise HostError(outcome.stderr or f"{session.connection.label} gave no answer")
    return cast("Verdict", word)


def _taken_back(session: Session, guard: Guard, verdict: Verdict, why: str, seconds: float) -> HostError:
    label = session.connection.label
    # The first half of a sentence of `session.explain`: its way out is for a host that was never reached.
    reason = why.strip().partition("; ")[0] or "the connection broke off or stood still while the change was made"
    match verdict:
        case "rolled-back":
            return HostError(
                f"{label}: the change was taken back, because no new login proved it within {guard.seconds} s "
                f"({reason}). The host did so by itself, {seconds:.0f} s after the start: what was confirmed before is "
                "in force again, and so is your login. Correct what would cut you off, then run `pulumi up` again"
            )
        case "gone":
            return HalfDoneError(
                f"{label}: another run changed the host meanwhile, so this one is not confirmed; run `pulumi up` again"
            )
        case _:
            return HalfDoneError(
                f"{label}: since the change nobody gets in ({reason}). The host takes the change back by itself, "
                f"at the latest at its next boot; on its own screen `sh /var/lib/twin-vpc-guard/{guard.kind}/guard "
                f"rollback {guard.kind}` does it at once. Then run `pulumi up` again"
            )
