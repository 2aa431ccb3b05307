"""Every single thing that can go wrong in a VPC is made to, and the gate refuses it, or a reason is written."""

from dataclasses import replace

import pytest

from tests.proof.aws.sample import GRAPH, INTENT, PLACES
from twinvpc.proof.aws.campaign import Verdict, campaign, scores
from twinvpc.proof.aws.excuses import EXCUSES
from twinvpc.proof.aws.graph import AwsGraph
from twinvpc.proof.aws.mutations import Kind, mutants
from twinvpc.proof.aws.paths import Layer


@pytest.fixture(scope="module")
def verdicts() -> tuple[Verdict, ...]:
    return tuple(campaign(GRAPH, PLACES, INTENT))


def test_nothing_survives_without_a_reason(verdicts: tuple[Verdict, ...]) -> None:
    assert [str(one.mutant) for one in verdicts if one.unexplained] == []


def test_every_removal_in_an_acl_or_of_a_route_is_refused(verdicts: tuple[Verdict, ...]) -> None:
    removed = [one for one in verdicts if one.mutant.kind is Kind.REMOVED and one.mutant.layer is not Layer.GROUPS]
    assert len(removed) == 49
    missed = [str(one.mutant) for one in removed if not one.gate]
    assert all("deny any 10.0.0.0/16" in one for one in missed), "what it denies, no subnet has"


def test_what_one_wall_shows_the_others_may_hide(verdicts: tuple[Verdict, ...]) -> None:
    """Otherwise one matrix would be enough, and the walls need no gate of their own."""
    assert [one for one in verdicts if one.gate and one.layer and not one.combined]
    assert [one for one in verdicts if one.gate and not one.layer]
    assert not [one for one in verdicts if one.combined and not one.layer]


def test_counts_add_up(verdicts: tuple[Verdict, ...]) -> None:
    found = scores(verdicts)
    assert sum(one.tried for one in found) == len(verdicts)
    assert all(one.gate + one.explained == one.tried for one in found)
    assert all(str(one).endswith(" 0 without one") for one in found)


def test_each_rule_entry_route_and_association_has_its_removal() -> None:
    def things(graph: AwsGraph) -> int:
        parts = (
            [one.rules for one in graph.groups],
            [one.entries for one in graph.acls],
            [one.routes for one in graph.tables],
        )
        links = [one.subnets for one in (*graph.acls, *graph.tables)]
        return sum(len(part) for kind in (*parts, links) for part in kind)

    found = list(mutants(GRAPH))
    removals = [one for one in found if one.kind in {Kind.REMOVED, Kind.ASSOCIATION_REMOVED}]
    assert len(removals) == things(GRAPH)
    assert all(things(one.graph) == things(GRAPH) - 1 for one in removals)
    assert len({str(one) for one in found}) == len(found)
    assert all(one.graph != GRAPH for one in found)


def test_what_is_wide_already_is_not_widened() -> None:
    kinds = {one.kind for one in mutants(GRAPH) if one.what == "egress tcp/443 to 0.0.0.0/0"}
    assert kinds == {Kind.REMOVED, Kind.PORTS_TO_ALL, Kind.PROTOCOL_TO_ANY}


def test_a_survivor_that_no_reason_fits_is_called_a_hole() -> None:
    """With an intent that says nothing of a rule, the gate has nothing against its mutants."""
    blind = replace(INTENT, permitted={})
    verdict = next(one for one in campaign(GRAPH, PLACES, blind) if one.mutant.layer is Layer.ROUTES and not one.gate)
    assert verdict.reason in {one.reason for one in EXCUSES}
    assert replace(verdict, reason="").unexplained
