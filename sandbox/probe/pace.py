"""How long silence must last before it is an outcome, and how much is under way at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """The patience of a measurement.

    Attributes:
        silence: seconds after which no answer is an outcome. The first repeat of a SYN would come after one second.
        due: seconds in which a shot that is due must have been seen; only a red run takes that long.
        grace: seconds more, in which a shot that is not due could still come.
        local: seconds in which a listener must answer a client beside it; only something broken takes longer.
        at_once: tries under way at the same time: a silent one takes a second, so four hundred need three.
    """

    silence: float = 1.0
    due: float = 5.0
    grace: float = 0.3
    local: float = 10.0
    at_once: int = 160


CALM = Pace()
"""What is believed at once."""

CAREFUL = Pace(due=1.5)
"""For walls that are known to hold back much of what is due."""

QUICK = Pace(silence=0.2, due=0.3, grace=0.06, local=2.0, at_once=1000)
"""For somebody who tries again carefully before he believes in silence."""
