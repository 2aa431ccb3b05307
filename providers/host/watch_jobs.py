"""Networks and pools on the host: looked at, and put right. Used by the child process only."""

from collections.abc import Mapping

from providers.host.deploy import mend
from providers.host.errors import HalfDoneError, HostError
from providers.host.lifelines import refusals
from providers.host.runs import locked, run_name
from providers.host.session import Session
from providers.host.watched import IN_FORCE, Watched
from providers.host.watching import Seen, findings


def health(watched: Watched, session: Session) -> Mapping[str, str]:
    """What each network and pool is like: `in force`, or a sentence.

    Raises:
        HostError: the host cannot be reached, or libvirt does not answer there.
    """
    return {name: finding.health for name, finding in findings(watched, _survey(watched, session)).items()}


def mended(watched: Watched, session: Session) -> Mapping[str, str]:
    """Put every network and pool right, and say what they are like then.

    No rollback is armed: whatever the owner gets in by is left alone (`lifelines`), and a new login says so afterwards.

    Raises:
        HalfDoneError: a step failed, or did not help.
        HostError: the host cannot be reached, another run changes it, libvirt does not answer there, something of a
            stranger's has our name, or a step would cut the owner off: nothing was changed.
    """
    seen = _survey(watched, session)
    found = findings(watched, seen)
    if strange := [f"{name}: {one.said[0]}; {one.way_out}" for name, one in found.items() if one.way_out]:
        raise HostError(f"{session.connection.label}: nothing was overwritten: {'. '.join(strange)}. Then `pulumi up`")
    steps = [step for finding in found.values() for step in finding.steps]
    if not steps:
        return {name: finding.health for name, finding in found.items()}
    here, why = session.connection.label, " ".join(f"{name}: {one.health}." for name, one in found.items() if one.said)
    if refused := refusals(watched, seen, found):
        raise HostError(
            f"{here}: {why} Nothing was changed, since putting it right would cut you off: "
            f"{'; '.join(one.said for one in refused)}. On the host's own screen, give it its way out by another "
            f"interface, then run {', '.join(f'`{one.by_hand}`' for one in refused)}, then `pulumi up` again"
        )
    done = session.run(mend, "".join(f"{step}\n" for step in steps), run_name())
    if error := locked(done, session):
        raise error
    if not done.succeeded:
        raise HalfDoneError(
            f"{here}: {why} Putting it right broke off: {done.stderr.strip()}; then run `pulumi up` again"
        )
    session.renew()
    now = health(watched, session)
    if left := [f"{name}: {said}" for name, said in now.items() if said != IN_FORCE]:
        raise HalfDoneError(
            f"{here}: put right, but then again {'; '.join(left)}. Find who changes it, then `pulumi up`"
        )
    return now


def _survey(watched: Watched, session: Session) -> Seen:
    return Seen(session.survey_networks(watched.networks, watched.pools))
