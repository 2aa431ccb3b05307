"""How hard Hypothesis tries. Under CI its own profile repeats the same examples in every run."""

import os

from hypothesis import HealthCheck, settings

SHARE = float(os.environ.get("TWIN_VPC_EFFORT", "1"))
"""The share of the examples that are tried: all of them, but in `make test-fast`."""
_LEAST = 10


def tries(examples: int) -> settings:
    """Settings for one property: so many examples, and no deadline, since other work shares the machine."""
    share = max(min(examples, _LEAST), round(examples * SHARE))
    return settings(max_examples=share, deadline=None, suppress_health_check=[HealthCheck.too_slow])
