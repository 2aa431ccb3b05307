"""Commit and confirm without a host: who is asked what, and what is told, whatever becomes of a change."""

from collections.abc import Callable, Sequence

import pytest

from providers.host import commit as module
from providers.host.commit import ARMED, ENDED, IDLE, commit
from providers.host.connection import Connection
from providers.host.deploy import Guard
from providers.host.errors import HalfDoneError, HostError
from providers.host.session import Outcome, Session

GUARD = Guard("policy", 10, "0123")
FINE = Outcome(succeeded=True, stdout=f"{ARMED}the kernel\n{ENDED}", stderr="")


class Scripted(Session):
    """A session whose new logins end as a script says: a word of the guard's, or why nobody gets in."""

    def __init__(self, *script: str | HostError) -> None:
        super().__init__(Connection("dell"))
        self.script = list(script)
        self.asked: list[str] = []
        self.logins = 0

    def renew(self) -> None:
        self.logins += 1

    def run(self, deploy: Callable[..., object], *arguments: object) -> Outcome:
        del deploy
        self.asked.append(str(arguments[-1]))
        word = self.script.pop(0)
        if isinstance(word, HostError):
            raise word
        return Outcome(succeeded=True, stdout=word, stderr="")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each pause and no other way."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def committed(
    session: Session, outcome: Outcome | HostError = FINE, ways: Sequence[Session] = (), guard: Guard = GUARD
) -> Outcome:
    def step() -> Outcome:
        if isinstance(outcome, HostError):
            raise outcome
        return outcome

    return commit(session, guard, step, ways)


def test_a_change_is_confirmed_over_a_new_connection_and_its_words_are_handed_on() -> None:
    session = Scripted("confirmed")
    assert committed(session).stdout == "the kernel\n"
    assert (session.asked, session.logins) == (["confirm"], 1)


def test_no_change_asks_for_nothing() -> None:
    session = Scripted()
    outcome = committed(session, Outcome(succeeded=True, stdout=f"{IDLE}the kernel\n{ENDED}", stderr=""))
    assert (outcome.stdout, session.asked, session.logins) == ("the kernel\n", [], 0)


def test_a_login_that_fails_for_a_moment_is_tried_again() -> None:
    session = Scripted(HostError("no"), HostError("no"), "confirmed")
    assert committed(session).succeeded
    assert session.logins == 3


def test_what_the_host_took_back_is_an_error_that_leaves_nothing_to_record() -> None:
    session = Scripted(HostError("dell cannot be reached; is it up?"), "rolled-back")
    with pytest.raises(HostError, match=r"within 10 s \(dell cannot be reached\).* run `pulumi up` again") as told:
        committed(session)
    assert not isinstance(told.value, HalfDoneError)


def test_a_step_that_failed_stays_as_it_is_once_a_login_has_worked() -> None:
    failed = Outcome(succeeded=False, stdout=f"{ARMED}{ENDED}", stderr="sysctl: no such key")
    session = Scripted("kept")
    assert committed(session, failed) == Outcome(succeeded=False, stdout="", stderr="sysctl: no such key")
    assert session.asked == ["keep"], "not confirmed: the next change goes back further than this one"


def test_a_step_of_sshd_that_failed_is_taken_back_and_its_own_reason_is_handed_on() -> None:
    failed = Outcome(succeeded=False, stdout=f"{ARMED}{ENDED}", stderr="sshd listens on 22 and should on 2200")
    session = Scripted("rolled-back")
    assert committed(session, failed, guard=Guard("sshd", 10, "0123")).stderr == failed.stderr
    assert session.asked == ["undo"], "half an sshd may let nobody in"


@pytest.mark.parametrize(
    "cut",
    [
        HostError("broke off"),
        Outcome(succeeded=False, stdout="", stderr=""),
        Outcome(succeeded=False, stdout=ARMED, stderr=""),
    ],
)
def test_a_run_that_was_cut_off_is_taken_back_at_once_if_one_gets_in(cut: Outcome | HostError) -> None:
    session = Scripted("rolled-back")
    with pytest.raises(HostError, match="the change was taken back"):
        committed(session, cut)
    assert session.asked == ["undo"]


def test_without_a_rollback_nothing_is_changed() -> None:
    session = Scripted()
    with pytest.raises(HostError, match=r"nothing was changed: .*the rollback \(policy\) cannot be armed"):
        committed(session, Outcome(succeeded=False, stdout="", stderr="the rollback (policy) cannot be armed"))
    assert session.asked == []


def test_a_host_that_nobody_reaches_any_more_is_half_done_and_the_way_out_is_named() -> None:
    session = Scripted(*[HostError("no route")] * 100)
    with pytest.raises(HalfDoneError, match=r"nobody gets in \(no route\).*guard rollback policy` does it at once"):
        committed(session)
    assert session.logins < 100, "it ends"


def test_another_runs_change_is_not_confirmed() -> None:
    with pytest.raises(HalfDoneError, match="another run changed the host meanwhile"):
        committed(Scripted("gone"))


def test_every_way_in_must_work_before_it_is_confirmed() -> None:
    way, session = Scripted("armed"), Scripted("confirmed")
    committed(session, ways=[way])
    assert (way.asked, session.asked) == (["look"], ["confirm"])


def test_a_new_way_in_that_stays_shut_is_given_up_while_the_old_one_works() -> None:
    way = Scripted(*[HostError("port 2299 is shut")] * 3)
    session = Scripted("armed", "armed", "rolled-back")
    with pytest.raises(HostError, match="port 2299 is shut"):
        committed(session, ways=[way])
    assert session.asked == ["look", "look", "undo"]


def test_words_that_nobody_expects_are_no_confirmation() -> None:
    session = Scripted("welcome to dell", "confirmed")
    committed(session)
    assert session.logins == 2


class Beside(Scripted):
    """A session of somebody who came to the host by SSH and runs Pulumi there."""

    def __init__(self, *script: str | HostError) -> None:
        super().__init__(*script)
        self.told: list[str] = []
        self.tell = self.told.append

    @property
    def needs_witness(self) -> bool:
        return True


def test_who_came_by_ssh_is_told_a_command_and_does_not_confirm_for_himself() -> None:
    session = Beside("armed", "armed", "confirmed")
    assert committed(session).succeeded
    assert session.asked == ["look"] * 3
    (told,) = session.told
    assert told.startswith(
        "sh /var/lib/twin-vpc-guard/policy/guard confirm policy: run this within 10 s from a new SSH"
    )


def test_without_a_witness_it_is_taken_back_and_the_command_is_named() -> None:
    with pytest.raises(HostError, match=r"nobody who had logged in anew ran `sh .*guard confirm policy`\). The host"):
        committed(Beside("armed", "rolled-back"))


def test_a_step_that_failed_without_a_witness_is_taken_back_at_once() -> None:
    failed = Outcome(succeeded=False, stdout=f"{ARMED}{ENDED}", stderr="sysctl: no such key")
    session = Beside("rolled-back")
    assert committed(session, failed).stderr == failed.stderr
    assert (session.asked, session.told) == (["undo"], [])
