"""Both stacks in one picture: each half is the stack's own picture, and beside it stands what it costs."""

from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest

from tests import golden
from tests.picture import drawing
from tests.picture.drawing import Box, Drawn
from twinvpc.picture.layout import layout
from twinvpc.picture.side_by_side import draw_side_by_side
from twinvpc.picture.svg import draw

PHONE_ON_ITS_SIDE = 740
NETWORKS = {"own": drawing.own, "twelve": drawing.twelve}


@pytest.fixture(scope="module", params=NETWORKS)
def drawn(request: pytest.FixtureRequest) -> list[Drawn]:
    """The stack at home, the one on AWS."""
    aws, dell = NETWORKS[request.param]()
    return [dell, aws]


def pair(drawn: list[Drawn]) -> str:
    scenes = [one.scene for one in drawn]
    return draw_side_by_side(scenes[0], scenes[1], layout(scenes))


def test_each_half_is_the_stacks_own_picture(drawn: list[Drawn]) -> None:
    halves = drawing.halves(pair(drawn))
    assert len(halves) == 2
    plan = layout([one.scene for one in drawn])
    for half, one in zip(halves, drawn, strict=True):
        alone = draw(one.scene, plan)
        assert drawing.arrows(half) == drawing.arrows(alone) != {}
        assert drawing.denied(half) == drawing.denied(alone) == dict(one.matrix.declared)
        assert drawing.rectangles(half) == drawing.rectangles(alone)
        assert drawing.strokes(half) == drawing.strokes(alone)
        assert drawing.ends(half) == [end for end in drawing.ends(alone) if end.bottom < plan.bottom]


def test_what_differs_by_choice_is_an_arrow_on_the_left_and_a_cross_on_the_right(drawn: list[Drawn]) -> None:
    left, right = drawing.halves(pair(drawn))
    assert drawing.denied(left) == {}
    assert drawing.denied(right)
    missing = drawing.arrows(left).keys() - drawing.arrows(right).keys()
    here = set(drawn[1].matrix.nodes)
    assert {ends for ends in missing if here.issuperset(ends)} == set(drawing.denied(right))


def test_an_arrow_that_is_missing_for_no_choice_is_noticed() -> None:
    """Negative control of the comparison above."""
    aws, dell = drawing.own()
    spoiled = aws.svg.replace("<title>private → database: all</title>", "<title>private → private: all</title>")
    missing = drawing.arrows(dell.svg).keys() - drawing.arrows(spoiled).keys()
    assert {ends for ends in missing if set(aws.matrix.nodes).issuperset(ends)} != set(drawing.denied(spoiled))


def test_the_price_stands_on_the_right_with_its_parts_and_the_other_ways() -> None:
    aws, dell = drawing.own()
    svg = pair([dell, aws])
    width = Decimal(drawing.attributes(svg)["viewBox"].split()[2])
    said = " ".join(text.what for text in drawing.texts_outside(svg) if text.left > width / 2)
    assert said.startswith("0.79 USD a month is public IPv4 addresses in use 0.00; flow logs 0.76;")
    assert "endpoints 82.56, nat one 50.42, nat per zone 99.23" in said
    assert "flow_logs_gb 1" in said
    assert "0.79 USD a month, prices of 2026-11-28" in [text.what for text in drawing.texts(drawing.halves(svg)[1])]


def test_no_writing_lies_on_other_writing_or_leaves_its_half(drawn: list[Drawn]) -> None:
    svg = pair(drawn)
    _, _, width, height = map(float, drawing.attributes(svg)["viewBox"].split())
    below = drawing.texts_outside(svg)
    assert below
    for first, second in combinations(below, 2):
        assert not first.touches(second), f"{first} lies on {second}"
    plan = layout([one.scene for one in drawn])
    halves = (
        Box("left", 0, plan.bottom, plan.width, height),
        Box("right", width - plan.width, plan.bottom, width, height),
    )
    for text in below:
        assert any(text.inside(half) for half in halves), text
    for half in drawing.halves(svg):
        assert drawing.attributes(half)["width"] == str(plan.width)
        for text in drawing.texts(half):
            assert text.inside(Box("half", 0, 0, plan.width, plan.bottom)), text


def test_it_fits_a_phone_on_its_side_at_full_size() -> None:
    aws, dell = drawing.own()
    assert float(drawing.attributes(pair([dell, aws]))["viewBox"].split()[2]) <= PHONE_ON_ITS_SIDE


def test_it_says_both_matrices_in_words_and_fetches_nothing(drawn: list[Drawn]) -> None:
    svg = pair(drawn)
    desc = drawing.parsed(svg).findtext("{*}desc") or ""
    for one in drawn:
        assert f"Stack {one.scene.stack}." in desc
        for (source, destination), services in drawing.arrows(one.svg).items():
            assert f"{source} may open to {destination}: {services}." in desc
    for word in ("<script", "<image", "href", "url(", "@import", "@font-face", "<foreignObject"):
        assert word not in svg


def test_the_picture_is_what_somebody_looked_at() -> None:
    aws, dell = drawing.own()
    golden.check(Path(__file__).parent / "golden" / "dell-and-aws.svg", pair([dell, aws]))
