"""What was measured, cell by cell, in the words of the matrix."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from twinvpc.model.nodes import FIXED_NODES
from twinvpc.proof.expect import PLAIN_PORT
from twinvpc.proof.probes import Observation

_PLAIN = frozenset({"icmp", f"tcp/{PLAIN_PORT}", f"udp/{PLAIN_PORT}"})


def seen_cells(nodes: Sequence[str], observations: Iterable[Observation]) -> dict[tuple[str, str], str]:
    """Each tried cell as it was seen: `all`, `–`, or the services that answered.

    `all` stands for: every probe of the cell was answered, the plain port of both protocols and ICMP among them.
    Cells of fixed nodes among themselves are shown as `·`: they are compared with what they were, not with an intent.
    """
    opened: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    closed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for seen in observations:
        pair = (seen.probe.source, seen.probe.destination)
        service = f"{seen.probe.protocol}/{seen.probe.port}" if seen.probe.port else str(seen.probe.protocol)
        (opened if seen.open else closed)[pair].add(service)
    wanted = set(nodes)
    pairs = [pair for pair in opened.keys() | closed.keys() if set(pair) <= wanted]
    own = {(node, node): "·" for node in wanted & FIXED_NODES}
    return own | {pair: _words(pair, opened[pair], closed[pair]) for pair in pairs}


def _words(pair: tuple[str, str], opened: set[str], closed: set[str]) -> str:
    if set(pair) <= FIXED_NODES:
        return "·"
    if not closed and opened >= _PLAIN:
        return "all"
    return " ".join(sorted(opened)) or "–"
