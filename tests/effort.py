"""How hard Hypothesis tries. Under CI its own profile repeats the same examples in every run."""

from hypothesis import HealthCheck, settings


def tries(examples: int) -> settings:
    """Settings for one property: so many examples, and no deadline, since other work shares the machine."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
