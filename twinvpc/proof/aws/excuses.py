"""Why some mutants are noticed by nobody: written down, and each reason checked against the mutant that it excuses."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from twinvpc.proof.aws.graph import ANYWHERE, AwsGraph, GroupRule, PeerKind, RulePeer
from twinvpc.proof.aws.mutations import Kind, Mutant
from twinvpc.proof.aws.paths import Layer
from twinvpc.proof.aws.ports import FULL, NOTHING, Ports, span
from twinvpc.proof.aws.walls import Wall, empty_only

_ANYBODY = RulePeer(PeerKind.CIDR, str(ANYWHERE))


@dataclass(frozen=True)
class _Case:
    """A mutant with what it came from.

    Attributes:
        mutant: what was done.
        sound: the graph before.
        before: what its wall said.
        after: what it says now.
    """

    mutant: Mutant
    sound: AwsGraph
    before: Wall
    after: Wall


@dataclass(frozen=True)
class Excuse:
    """A reason why a mutant may survive.

    Attributes:
        layers: to which walls it was done.
        kinds: what was done.
        holds: whether the reason is true of a mutant.
        reason: in words.
    """

    layers: frozenset[Layer]
    kinds: frozenset[Kind]
    holds: Callable[[_Case], bool]
    reason: str


def reason(mutant: Mutant, sound: AwsGraph, before: Wall, after: Wall) -> str:
    """Why nobody notices this mutant; empty if nobody knows."""
    case = _Case(mutant, sound, before, after)
    for one in EXCUSES:
        if mutant.layer in one.layers and mutant.kind in one.kinds and one.holds(case):
            return one.reason
    return ""


def _changed(case: _Case) -> list[tuple[GroupRule, tuple[GroupRule, ...]]]:
    """Rules that the mutant lacks, each with its group's others."""
    after = {group.key: frozenset(group.rules) for group in case.mutant.graph.groups}
    return [
        (rule, tuple(one for one in group.rules if one != rule and one.egress is rule.egress))
        for group in case.sound.groups
        for rule in group.rules
        if rule not in after[group.key]
    ]


def _covered(case: _Case) -> bool:
    """Whether other rules permit to any address at least as much as all that was lost, and all that was won."""
    after = {group.key: set(group.rules) for group in case.mutant.graph.groups}
    changed = [(set(g.rules) ^ after[g.key], set(g.rules) & after[g.key]) for g in case.sound.groups]
    return all(
        (known := _together(one for one in left if one.peer == _ANYBODY and one.egress is rule.egress))
        | _together([rule])
        == known
        for rules, left in changed
        for rule in rules
    )


def _whole_already(case: _Case) -> bool:
    """Whether every rule that was changed permits, together with others to the same peer, all that cells tell apart."""
    changed = _changed(case)
    return bool(changed) and all(
        _together([rule, *(one for one in beside if one.peer == rule.peer)]) == FULL for rule, beside in changed
    )


def _together(rules: Iterable[GroupRule]) -> Ports:
    found = NOTHING
    for rule in rules:
        found |= span(rule.protocol, rule.first, rule.last)
    return found


def _nobody_there(case: _Case) -> bool:
    """Whether only what passes to and from addresses without a subnet has changed."""
    return case.before != case.after and empty_only(case.before, case.after)


def _never_decides(case: _Case) -> bool:
    """Whether the ACL treats every address as before: other entries say the same to all that this one speaks of."""
    return case.before == case.after


def _same_as_main(case: _Case) -> bool:
    """Whether the tables that lost a subnet say what the main one says."""
    main = next(table for table in case.sound.tables if table.main)
    after = {table.key: table.subnets for table in case.mutant.graph.tables}
    lost = [table for table in case.sound.tables if after[table.key] != table.subnets]
    led = {key for endpoint in case.sound.endpoints for key in endpoint.tables}
    return bool(lost) and all(table.routes == main.routes and table.key not in led for table in lost)


_ANY_KIND = frozenset(Kind)
_GROUPS, _ACLS, _ROUTES = (frozenset({layer}) for layer in (Layer.GROUPS, Layer.ACLS, Layer.ROUTES))

EXCUSES = (
    Excuse(
        _GROUPS, _ANY_KIND, _covered,
        "other rules permit at least as much to any address; this one says by name what they say by address",
    ),
    Excuse(
        _GROUPS, frozenset({Kind.PROTOCOL_TO_ANY}), _whole_already,
        "TCP, UDP and ICMP are permitted in full to the same peer already, and no other protocol has a cell",
    ),
    Excuse(
        _GROUPS | _ACLS, _ANY_KIND, _nobody_there,
        "every subnet is treated as before; only addresses that no subnet has are treated otherwise",
    ),
    Excuse(
        _ACLS, _ANY_KIND, _never_decides,
        "other entries of the same ACL say the same about every address and port that this one speaks of",
    ),
    Excuse(
        _ROUTES, frozenset({Kind.ASSOCIATION_REMOVED}), _same_as_main,
        "the table has the local route alone, and so has the main table that takes its place",
    ),
)  # fmt: skip
"""Expected survivors, by kind. Whoever survives without one of these is a hole in the proof."""
