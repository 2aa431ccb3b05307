"""Whether a closed probe could have been open at all: silence alone proves nothing."""

from collections import defaultdict
from collections.abc import Iterable

from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Observation, Probe


def positive_controls(observations: Iterable[Observation], probes: Iterable[Probe]) -> tuple[str, ...]:
    """The probes whose closedness nothing in the same run supports.

    A closed probe is supported if its destination answered somebody else over the same protocol, and its source
    was answered by somebody else. (That the very listener is alive is seen to by `measure` itself.)

    Args:
        observations: everything measured in one run.
        probes: the probes that are meant to be closed.

    Returns:
        One sentence per probe without such support, sorted; empty means that every closed probe means something.
    """
    answered_by: defaultdict[tuple[str, Protocol], set[str]] = defaultdict(set)
    opened_by: defaultdict[str, set[str]] = defaultdict(set)
    for seen in observations:
        if seen.open:
            probe = seen.probe
            answered_by[probe.destination, probe.protocol].add(probe.source)
            opened_by[probe.source].add(probe.destination)
    lacking: list[str] = []
    for probe in sorted(set(probes)):
        if not answered_by[probe.destination, probe.protocol] - {probe.source}:
            lacking.append(f"{probe}: in this run `{probe.destination}` answered nobody over {probe.protocol.value}")
        if not opened_by[probe.source] - {probe.destination}:
            lacking.append(f"{probe}: in this run nobody answered `{probe.source}`")
    return tuple(lacking)
