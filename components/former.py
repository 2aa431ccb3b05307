"""Names that things had before, so that a rename finds them in the state."""

from collections.abc import Callable, Mapping
from itertools import product

import pulumi

Former = Mapping[str, tuple[str, ...]]
"""Former names by what they are called now."""


def former_names(renamed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """All former names of each segment, from the lock: a rename may never have been applied before the next one came.

    Args:
        renamed: former names, and what each was called next.
    """
    former: dict[str, list[str]] = {}
    for old in sorted(renamed):
        now, passed = old, set[str]()
        while now in renamed and now not in passed:
            passed.add(now)
            now = renamed[now]
        former.setdefault(now, []).append(old)
    return {now: tuple(names) for now, names in former.items()}


def known_as(
    options: pulumi.ResourceOptions, former: Former, name: Callable[..., str], *segments: str
) -> pulumi.ResourceOptions:
    """Options of a resource that is called after segments, with the names that it had before.

    Args:
        options: what they start from.
        former: former names of segments.
        name: makes the resource's name of the segments'.
        segments: as they are called now.
    """
    every = product(*((now, *former.get(now, ())) for now in segments))
    old = [pulumi.Alias(name=name(*names)) for names in every if names != segments]
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(aliases=[*old]))
