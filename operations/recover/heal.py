"""The state brought back to what the host is: what was pending cleared, what was made adopted by name."""

import time

from operations.errors import OperationError
from operations.host import Remote
from operations.project import Project
from operations.recover import state
from operations.recover.found import Found, Kind
from operations.recover.kinds import KINDS, is_known
from operations.recover.report import Report, progress
from operations.recover.state import Pending, Wanted

_PASSES = 5
"""What hangs on something adopted is found in the next pass; nothing hangs on more than a few."""
_CREATING = "creating"
_LOOK_AGAIN = 1.0
_REFRESH = ("refresh", "--yes", "--skip-preview", "--skip-pending-creates")


def clear_pending(project: Project, host: Remote, report: Report) -> None:
    """Finish on the host what broke off there, and take the operations that were under way out of the state.

    One of a type that nobody has thought about stays in the state and is named: what it has made may be there.
    """
    exported = project.exported()
    begun = state.pending(exported)
    for one in begun:
        progress(f"the killed run was {one.verb} {one.resource.label}")
        if not is_known(one.resource.resource):
            report.left.append(_unknown(one, project, host))
            continue
        report.cleared.append(f"{one.verb} {one.resource.label}")
        kind = KINDS.get(one.resource.token)
        found = _at_rest(kind, host, one) if kind else None
        if found is not None and found.unfinished and not found.strange:
            _mend(host, one.resource, report)
    if report.cleared:
        project.replace_state(state.without_pending(exported, is_known))


def _at_rest(kind: Kind, host: Remote, begun: Pending) -> Found | None:
    """What was found once nothing comes of it any more: libvirt goes on with what a killed run has asked of it last."""
    end = time.monotonic() + (kind.lag if begun.verb == _CREATING else 0.0)
    found = kind.find(host, begun.resource.inputs)
    while (found is None or (found.unfinished and not found.strange)) and time.monotonic() < end:
        time.sleep(_LOOK_AGAIN)
        found = kind.find(host, begun.resource.inputs)
    return found


def refresh(project: Project) -> None:
    """Have the providers say what is really there: what is gone leaves the state."""
    progress("pulumi refresh: asking the host what is there")
    project.pulumi(*_REFRESH)


def adopt(project: Project, host: Remote, report: Report) -> None:
    """Put into the state what the program wants and the host has already; what is a stranger's is named and left.

    Raises:
        OperationError: the state does not come to rest.
    """
    for _ in range(_PASSES):
        progress("looking for what was made and is not in the state")
        exported = project.exported()
        found = _found(project, host, report)
        known = [(wanted, one.identity) for wanted, one in found if state.parents_known(exported, wanted)]
        if not known:
            return
        project.replace_state(state.adopting(exported, known))
        for wanted, _identity in known:
            report.adopted.append(_name(wanted))
            progress(f"adopted the {_name(wanted)}")
        refresh(project)
    raise OperationError(
        f"after {_PASSES} passes there is still something to adopt; run it again, and tell us if it stays"
    )


def _found(project: Project, host: Remote, report: Report) -> list[tuple[Wanted, Found]]:
    ours: list[tuple[Wanted, Found]] = []
    for wanted in state.missing(project.preview()):
        kind = KINDS.get(wanted.token)
        found = kind.find(host, wanted.inputs) if kind else None
        if found is None:
            continue
        if found.strange:
            _leave(wanted, found, host, report)
        elif found.unfinished and kind is not None:
            _mend(host, wanted, report)
            again = kind.find(host, wanted.inputs)
            ours += [(wanted, again)] if again else []
        else:
            ours.append((wanted, found))
    return ours


def _mend(host: Remote, wanted: Wanted, report: Report) -> None:
    done = f"{_name(wanted)}: {KINDS[wanted.token].mend(host, wanted.inputs)}"
    report.mended.append(done)
    progress(done)


def _leave(wanted: Wanted, found: Found, host: Remote, report: Report) -> None:
    said = (
        f"{host.label} has a {_name(wanted)} that this project has not made: it has {'; '.join(found.strange)}. "
        "It was not touched; take it away or rename ours, or run `make adopt` to take it over"
    )
    if said not in report.left:
        report.left.append(said)


def _unknown(one: Pending, project: Project, host: Remote) -> str:
    return (
        f"{one.resource.urn}: a run broke off while {one.verb} it, and this command does not know that type. Look on "
        f"{host.label} whether it is there and whole: if it is, `pulumi import` it; if not, take away what there is of "
        f"it. Then run `pulumi refresh --clear-pending-creates --stack {project.stack}`"
    )


def _name(wanted: Wanted) -> str:
    return f"{KINDS[wanted.token].what} {wanted.inputs.get('name') or wanted.label}"
