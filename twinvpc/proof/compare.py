"""Intended against measured: every cell that differs, by name."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from twinvpc.proof.probes import Expectation, Observation, Probe


@dataclass(frozen=True, order=True)
class Difference:
    """One probe whose measurement is not what was intended."""

    probe: Probe
    intended: str
    measured: str

    def __str__(self) -> str:
        """`public → database tcp/5432: intended open, measured closed (refused)`."""
        return f"{self.probe}: intended {self.intended}, measured {self.measured}"


def differences(expectations: Iterable[Expectation], observations: Iterable[Observation]) -> tuple[Difference, ...]:
    """Compare probe by probe.

    A probe that was expected but not tried differs ("not measured"), and so does one that was tried without an
    expectation: a matrix with holes proves nothing. A denied probe that arrived at its destination differs even if
    no answer came back. A probe that was tried more than once must come out right each time.

    Returns:
        All differences, sorted; empty means that what was measured is exactly what was intended.
    """
    wanted = {expectation.probe: expectation for expectation in expectations}
    seen: defaultdict[Probe, list[Observation]] = defaultdict(list)
    for observation in observations:
        seen[observation.probe].append(observation)
    found = {Difference(probe, "nothing", "a try without an intent") for probe in seen.keys() - wanted.keys()}
    for probe, expectation in wanted.items():
        intended = "open" if expectation.open else "closed"
        verdicts = {_verdict(expectation, one) for one in seen[probe]} if probe in seen else {"not measured"}
        found |= {Difference(probe, intended, verdict) for verdict in verdicts if verdict}
    return tuple(sorted(found))


def _verdict(expectation: Expectation, seen: Observation) -> str:
    """What is wrong with one try; empty if nothing is."""
    if not expectation.open:
        if seen.open:
            return f"open (the server saw {seen.seen_as})"
        return f"arrived without an answer ({seen.detail})" if seen.arrived else ""
    if not seen.open:
        return f"closed ({seen.detail})"
    if expectation.client is None or seen.seen_as == expectation.client:
        return ""
    return f"open, but the server saw {seen.seen_as} instead of {expectation.client}"
