"""The host's sshd: judged aside, armed, installed, confirmed by a new login; read; removed. Used by the child only."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from providers.host.commit import commit, new_guard
from providers.host.connection import config_key
from providers.host.deploy import install_sshd, leave_sshd, stage_sshd, tidy_sshd
from providers.host.errors import HalfDoneError, HostError
from providers.host.files import archive, guard_files
from providers.host.messages import Verb
from providers.host.runs import last_words, locked, run_name
from providers.host.session import Outcome, Session
from providers.host.sshd import DROP_IN, IN_FORCE, Found, SshServer, as_found, deviations, listened

_MAIN_FILE = "/etc/ssh/sshd_config"


def perform(verb: Verb, wanted: SshServer, session: Session) -> SshServer | None:
    """Do what is asked; return the sshd as it is then, or none where nothing of ours is left.

    Raises:
        HostError: it did not work; the message says what, why and what to do.
    """
    found = Found(session.survey_sshd())
    if found.text("uid") != "0":
        raise HostError(f"{session.connection.label} is not root there; log in as root: {config_key('user')}")
    match verb:
        case "read":
            return as_found(wanted, found)
        case "remove":
            _remove(found, session)
            return None
        case _:
            return _apply(wanted, found, session)


def _apply(wanted: SshServer, found: Found, session: Session) -> SshServer:
    if said := "; ".join(_unfit(found)):
        raise _unchanged(session, said)
    files = {DROP_IN: wanted.settings}
    if found.text("selinux"):
        files |= {f"/labels/{name}.cil": text for name, text in wanted.labels.items()}
    who = run_name()
    effective = _staged(files, who, session)
    if said := "; ".join(deviations(wanted.settings, effective, found.text("addresses"))):
        _leave(who, session)
        raise _unchanged(session, f"{said}. Correct that file on the host, then run `pulumi up` again")
    with _ways(wanted, session) as ways:
        _installed(who, session, ways)
    now = as_found(wanted, Found(session.survey_sshd()))
    if now is None or now.state != IN_FORCE:
        said = now.state if now else f"{DROP_IN} is gone again"
        raise HalfDoneError(f"{session.connection.label}: sshd's settings were put in force, but: {said}")
    return now


def _remove(found: Found, session: Session) -> None:
    """Without our file sshd goes back to what others have told it: it must not be what cuts the owner off."""
    if found.drop_in is None:
        return
    who = run_name()
    effective = _staged({}, who, session)
    port = str(session.connection.port)
    if not session.connection.is_local and port not in listened(effective):
        _leave(who, session)
        others = ", ".join(sorted(set(listened(effective))))
        raise _unchanged(
            session,
            f"without {DROP_IN} sshd would listen on {others}, not on {port}, and you would be cut off. "
            f"Write `Port {port}` into {_MAIN_FILE}, then run `pulumi destroy` again",
        )
    _installed(who, session, ())


def _unfit(found: Found) -> Iterator[str]:
    """Why nothing can be done to this sshd."""
    if missing := found.text("missing"):
        yield f"the host lacks {missing}; install openssh-server, iproute2 (iproute), util-linux, tar"
        return
    runs, by_socket = found.running
    unit = found.text("unit")
    if by_socket:
        yield f"ssh.socket decides where sshd listens; `systemctl disable --now ssh.socket`, then `enable --now {unit}`"
    elif not runs:
        yield f"{unit} is stopped; `systemctl enable --now {unit}`"
    if not found.text("folder"):
        yield f"{DROP_IN.rpartition('/')[0]} is missing: this sshd reads no drop-ins; install OpenSSH 8.2 or later"


def _staged(files: Mapping[str, str], who: str, session: Session) -> str:
    """Have sshd judge the files; all of its settings with them."""
    outcome = session.run(stage_sshd, archive({**files, **guard_files("sshd")}), who)
    if outcome.succeeded:
        return outcome.stdout
    if error := locked(outcome, session):
        raise error
    first = next(iter(outcome.stderr.splitlines()), "it gave no reason")
    raise HostError(f"{session.connection.label}: sshd refuses the settings, nothing was changed: {first}")


def _leave(who: str, session: Session) -> None:
    step: Callable[..., Any] = leave_sshd
    session.run(step, who)


def _installed(who: str, session: Session, ways: tuple[Session, ...]) -> None:
    guard = new_guard(session, "sshd")
    outcome: Outcome = commit(session, guard, lambda: session.run(install_sshd, guard, who), ways)
    if not outcome.succeeded:
        raise locked(outcome, session) or HostError(
            f"{session.connection.label}: sshd's settings could not be put in force and were taken back: "
            f"{last_words(outcome)}"
        )
    tidied = session.run(tidy_sshd)
    if not tidied.succeeded:
        raise HalfDoneError(
            f"{session.connection.label}: an SELinux label of a former port stays: {last_words(tidied)}"
        )


@contextmanager
def _ways(wanted: SshServer, session: Session) -> Generator[tuple[Session, ...]]:
    """A session for each port besides the one by which we come; they know the host by the key that it shows here."""
    here = session.connection
    others = [] if here.is_local else [int(port) for port in wanted.ports if port != str(here.port)]
    with TemporaryDirectory() as folder:
        known = Path(folder) / "known_hosts"
        known.write_text("".join(f"[{here.address}]:{port} {session.host_key()}\n" for port in others))
        yield tuple(Session(replace(here, port=port, known_hosts=str(known))) for port in others)


def _unchanged(session: Session, said: str) -> HostError:
    return HostError(f"{session.connection.label}: nothing was changed: {said}")
