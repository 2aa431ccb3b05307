"""Networks and pools on the host: looked at, and put right. Used by the child process only."""

from collections.abc import Mapping

from providers.host.deploy import mend
from providers.host.errors import HalfDoneError, HostError
from providers.host.session import Session
from providers.host.watched import IN_FORCE, Watched
from providers.host.watching import Finding, Seen, findings


def health(watched: Watched, session: Session) -> Mapping[str, str]:
    """What each network and pool is like: `in force`, or a sentence.

    Raises:
        HostError: the host cannot be reached, or libvirt does not answer there.
    """
    return {name: finding.health for name, finding in _look(watched, session).items()}


def mended(watched: Watched, session: Session) -> Mapping[str, str]:
    """Put every network and pool right, and say what they are like then.

    Raises:
        HalfDoneError: a step failed, or did not help.
        HostError: the host cannot be reached, libvirt does not answer there, or something of a stranger's has our name.
    """
    found = _look(watched, session)
    if strange := [f"{name}: {one.said[0]}; {one.way_out}" for name, one in found.items() if one.way_out]:
        raise HostError(f"{session.connection.label}: nothing was overwritten: {'. '.join(strange)}. Then `pulumi up`")
    steps = [step for finding in found.values() for step in finding.steps]
    if not steps:
        return {name: finding.health for name, finding in found.items()}
    done = session.run(mend, "".join(f"{step}\n" for step in steps))
    here, why = session.connection.label, " ".join(f"{name}: {one.health}." for name, one in found.items() if one.said)
    if not done.succeeded:
        raise HalfDoneError(
            f"{here}: {why} Putting it right broke off: {done.stderr.strip()}; then run `pulumi up` again"
        )
    now = health(watched, session)
    if left := [f"{name}: {said}" for name, said in now.items() if said != IN_FORCE]:
        raise HalfDoneError(
            f"{here}: put right, but then again {'; '.join(left)}. Find who changes it, then `pulumi up`"
        )
    return now


def _look(watched: Watched, session: Session) -> Mapping[str, Finding]:
    return findings(watched, Seen(session.survey_networks(watched.networks, watched.pools)))
