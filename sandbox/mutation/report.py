"""What a campaign found, as the text of docs/mutations.md, and how that text is known to be of today's walls."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sandbox.mutation.judge import Verdict
from sandbox.mutation.layers import LAYERS
from sandbox.mutation.networks import SUBJECTS
from sandbox.mutation.reasons import Explanations
from sandbox.mutation.walls import Walls

_HEAD = """# Mutations of the rules

Written by `python -m sandbox.mutation --out docs/mutations.md`, which `make campaign` runs. `make test` tries a sample,
and fails if this is not of today's rules.

Every line of the three nft tables, and every routing rule, is broken in every way that there is: it is removed; a rule
no longer asks for one of its conditions, or takes one value less; a chain loses its hook; an address or a port in a set
becomes any. Each mutant is loaded in a plain lab of network namespaces and tried with packets: first in its layer, with
all others opened, then with all in force. Tried are the matrix, and false sources, fragments, DHCP, IPv6, states of
connections, other people's forwards and marks, reserved addresses, ways astray, and connections that lose their
permission.

*Noticed*: something came out otherwise. *Opened*: something got through that did not before. With all layers in force a
hole in one should open nothing. Where it does, a cell hangs on that line alone; those lines are named below.
"""
_SEAL = re.compile(r"^Walls `(\w+)`, (\d+) mutants", re.MULTILINE)


def digest(walls: Walls) -> str:
    """A short name of exactly these walls."""
    text = "\n".join([walls.ruleset, *walls.rules, "IPv6", *walls.rules6])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seals(text: str) -> list[tuple[str, int]]:
    """Which walls a report is of, and how many mutants each had."""
    return [(found[1], int(found[2])) for found in _SEAL.finditer(text)]


def write(
    found: Mapping[str, Sequence[Verdict]], walls: Mapping[str, Walls], known: Explanations, circumstances: str
) -> str:
    """The whole report.

    Args:
        found: verdicts of each network.
        walls: what was broken.
        known: reasons of survivors.
        circumstances: when, where and how long, as a line.
    """
    lines = [_HEAD, circumstances, ""]
    for key, own in found.items():
        lines += [f"## {SUBJECTS[key].title}", "", f"Walls `{digest(walls[key])}`, {len(own)} mutants.", ""]
        lines += [*table(own, known.of(key)), "", *_survivors(known.of(key)), *_alone(own)]
    return "\n".join(lines).rstrip() + "\n"


def table(own: Sequence[Verdict], survivors: Iterable[str]) -> Iterator[str]:
    """The score of each layer."""
    yield "| layer | mutants | noticed alone | opened alone | noticed with all | opened with all | not noticed |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    lost = set(survivors)
    for layer in LAYERS:
        yield _row(layer.name, [one for one in own if one.layer == layer], lost)
    yield _row("**all**", own, lost)


def _row(name: str, own: Sequence[Verdict], lost: set[str]) -> str:
    counts = (
        len(own),
        sum(one.alone is not None for one in own),
        sum(one.alone is not None and one.alone.opens for one in own),
        sum(one.together is not None for one in own),
        sum(one.together is not None and one.together.opens for one in own),
        sum(str(one.mutant) in lost for one in own),
    )
    return f"| {name} | {' | '.join(map(str, counts))} |"


def _survivors(reasons: Mapping[str, object]) -> Iterator[str]:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in reasons.items():
        by_reason[getattr(reason, "why", "**No reason is written.**")].append(name)
    if by_reason:
        yield from ("### Not noticed, for a written reason", "")
    for why, names in by_reason.items():
        yield from (why, "", *(f"- `{name}`" for name in sorted(names)), "")


def _alone(own: Sequence[Verdict]) -> Iterator[str]:
    """Lines on which a cell hangs alone. From outside, and from segments to docker0, there is one gate only."""
    found = sorted((str(one.mutant), str(one.together)) for one in own if one.together and one.together.opens)
    if found:
        yield from ("### Opened with all layers in force", "")
        yield from (f"- `{name}`  \n  {change}" for name, change in found)
        yield ""
