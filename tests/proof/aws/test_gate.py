"""The gate names every cell and every single list that is not what was intended, and nothing else."""

from dataclasses import replace

import pytest

from tests.proof.aws.sample import GRAPH, INTENT, PLACES
from tests.proof.aws.vpcs import block
from twinvpc.proof.aws import edits
from twinvpc.proof.aws.diff import changes
from twinvpc.proof.aws.errors import GraphError
from twinvpc.proof.aws.evaluate import evaluate
from twinvpc.proof.aws.gate import differences
from twinvpc.proof.aws.graph import AwsGraph, Subnet
from twinvpc.proof.aws.places import places, strangers
from twinvpc.proof.aws.wall_gate import wall_differences
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import ALL, Cell, Matrix


def told(graph: AwsGraph, intent: Matrix = INTENT) -> list[str]:
    return [str(one) for one in differences(intent, {"graph": evaluate(Wiring(graph), PLACES)})]


def walls(graph: AwsGraph, intent: Matrix = INTENT) -> list[str]:
    return [str(one) for one in wall_differences(intent, Wiring(graph), PLACES)]


def test_what_is_as_intended_differs_nowhere() -> None:
    assert (told(GRAPH), walls(GRAPH)) == ([], [])


def test_a_cell_that_differs_is_named_with_both_sides() -> None:
    db = next(one for one in GRAPH.groups if one.key == "db")
    closed = edits.with_group(GRAPH, db, [rule for rule in db.rules if rule.egress or rule.peer.key != "app"])
    assert told(closed) == ["app → db: intended tcp/5432, graph –"]
    wanted = replace(INTENT, permitted={**INTENT.permitted, ("db", "app"): Cell(tcp=((22, 22),))})
    assert told(GRAPH, wanted) == ["db → app: intended tcp/22, graph –"]


def test_every_matrix_is_compared_and_told_apart() -> None:
    open_ = evaluate(Wiring(GRAPH), PLACES)
    wanted = replace(INTENT, permitted={**INTENT.permitted, ("db", "app"): Cell(icmp=True)})
    found = differences(wanted, {"graph": open_, "account": open_})
    assert [(one.where, one.intended, one.found) for one in found] == [("account", "icmp", "–"), ("graph", "icmp", "–")]


def test_a_cell_that_is_open_in_part_is_named_by_subnet() -> None:
    db = next(one for one in GRAPH.acls if one.key == "db")
    less = edits.with_acl(GRAPH, db, [one for one in db.entries if one.egress or str(one.cidr) != "10.0.4.0/24"])
    words = (
        "app → db: intended tcp/5432, graph partly tcp/5432 "
        "(app-0 → db-0 –; app-0 → db-1 –; app-1 → db-0 tcp/5432; app-1 → db-1 tcp/5432)"
    )
    assert told(less) == [words]


def test_everything_is_tcp_udp_and_icmp_in_full() -> None:
    spelled = Cell(icmp=True, tcp=((1, 65535),), udp=((1, 65535),))
    assert told(GRAPH, replace(INTENT, permitted={**INTENT.permitted, ("web", "app"): spelled})) == []


def test_a_node_that_only_the_intent_has_counts_as_closed() -> None:
    more = Matrix((*INTENT.nodes, "new"), {**INTENT.permitted, ("new", "new"): ALL})
    assert told(GRAPH, more) == ["new → new: intended all, graph –"]


def test_a_wall_that_is_too_wide_behind_a_sound_one_is_named() -> None:
    """The matrix of all walls says nothing here: that is what the second gate is for."""
    db = next(one for one in GRAPH.acls if one.key == "db")
    opened = next(one for one in db.entries if not one.egress and one.first == 5432)
    wide = edits.with_acl(GRAPH, db, (*edits.less(db.entries, opened), replace(opened, first=0, last=65535)))
    assert told(wide) == []
    assert walls(wide) == [
        f"network ACL of {subnet}, ingress, app-0: intended tcp/5432, found tcp/1-65535" for subnet in ("db-0", "db-1")
    ]


def test_a_group_that_is_too_wide_is_named() -> None:
    web = next(one for one in GRAPH.groups if one.key == "web")
    rule = next(one for one in web.rules if one.first == 514)
    wide = edits.with_group(GRAPH, web, (*edits.less(web.rules, rule), replace(rule, first=500)))
    assert told(wide) == []
    assert walls(wide) == [
        f"security group web, ingress, {subnet}: intended udp/514, found udp/500-514" for subnet in ("db-0", "db-1")
    ]


def test_segments_are_found_by_block_and_group_and_what_is_missing_is_named() -> None:
    blocks = {"web": (block("10.0.1.0/24"), block("10.0.2.0/24"))}
    assert places(GRAPH, blocks, {"web": "web"}) == PLACES[:1]
    with pytest.raises(GraphError, match="no security group nobody"):
        places(GRAPH, blocks, {"web": "nobody"})
    with pytest.raises(GraphError, match=r"10\.0\.77\.0/24"):
        places(GRAPH, {"web": (block("10.0.77.0/24"),)}, {"web": "web"})


def test_a_subnet_that_nobody_planned_is_a_stranger() -> None:
    more = replace(GRAPH, subnets=(*GRAPH.subnets, Subnet("x", "1", block("10.0.77.0/24"))))
    assert strangers(GRAPH, PLACES, ()) == ()
    assert strangers(more, PLACES, ()) == ("x",)
    assert strangers(more, PLACES, (block("10.0.77.0/24"),)) == ()


def test_a_change_is_told_by_what_it_opens_and_closes() -> None:
    after = Matrix(
        ("web", "db", "internet"),
        {
            ("web", "web"): ALL, ("db", "db"): ALL, ("db", "web"): Cell(udp=((510, 513), (515, 520))),
            ("web", "internet"): Cell(icmp=True, tcp=((443, 443),)),
        },
    )  # fmt: skip
    assert [str(one) for one in changes(INTENT, after)] == [
        "web → internet: opens icmp",
        "web → app: closes all",
        "db → web: opens udp/510-513 udp/515-520, closes udp/514",
        "app → db: closes tcp/5432",
        "app → app: closes all",
    ]
    assert changes(INTENT, INTENT) == ()


def test_files_and_account_are_compared_alike() -> None:
    assert changes(INTENT, evaluate(Wiring(GRAPH), PLACES).matrix()) == ()
