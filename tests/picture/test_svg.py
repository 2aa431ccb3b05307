"""What a picture shows is the matrix, what it needs is there, and nothing lies on anything else."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import golden
from tests.picture import drawing
from tests.picture.drawing import ROOT, Drawn
from twinvpc.picture.style import style

NETWORKS = {
    "own": drawing.own, "ports": drawing.ports, "twelve": drawing.twelve, "odd": drawing.odd,
    "machines": drawing.machines,
}  # fmt: skip


@pytest.fixture(scope="module", params=NETWORKS)
def pictures(request: pytest.FixtureRequest) -> list[Drawn]:
    return NETWORKS[request.param]()


def cells(one: Drawn) -> dict[tuple[str, str], str]:
    pairs = itertools.permutations(one.matrix.nodes, 2)
    told = {pair: str(one.matrix.cell(*pair)) for pair in pairs}
    return {pair: cell.replace(" ", ", ") for pair, cell in told.items() if cell not in "–·"}


def test_arrows_are_exactly_the_cells_that_permit_something(pictures: list[Drawn]) -> None:
    for one in pictures:
        assert drawing.arrows(one.svg) == cells(one)


def test_a_hollow_tag_is_drawn_exactly_where_not_everything_is_permitted(pictures: list[Drawn]) -> None:
    for one in pictures:
        for group in drawing.parsed(one.svg).iterfind("{*}g"):
            (title,) = group.iterfind("{*}title")
            if group.get("class") == "denied":
                continue
            looks = [path.get("class", "").split()[0] for path in group.iterfind("{*}path")]
            assert looks == (["way", "all"] if (title.text or "").endswith(": all") else ["way", "only"]), title.text


def test_what_a_stack_denies_by_choice_is_dashed_with_a_cross_and_its_setting_in_the_legend(
    pictures: list[Drawn],
) -> None:
    for one in pictures:
        expected = {pair: said for pair, said in one.matrix.declared.items() if pair[0] != pair[1]}
        assert drawing.denied(one.svg) == expected
        groups = [g for g in drawing.parsed(one.svg).iterfind("{*}g") if g.get("class") == "denied"]
        assert len(groups) == len(expected)
        for group in groups:
            assert [path.get("class", "").split()[:-1] for path in group.iterfind("{*}path")] == [
                ["way", "declared"], ["cross"],
            ]  # fmt: skip
        written = " ".join(text.what for text in drawing.texts(one.svg))
        assert ("denied by the stack's choice" in written) == bool(expected)
        assert all(said in written for said in expected.values())


def test_the_price_is_written_below_the_name() -> None:
    aws, dell = drawing.own()
    for one, price in ((aws, "0.79 USD a month, prices of 2026-11-28"), (dell, "0.00 USD a month to AWS")):
        (line,) = [text for text in drawing.texts(one.svg) if text.what == price]
        (title,) = [text for text in drawing.texts(one.svg) if text.what.startswith(f"{one.scene.stack} on ")]
        assert (line.left, line.top > title.bottom) == (title.left, True)


def test_letters_say_the_services_of_their_arrows() -> None:
    (one,) = drawing.ports()
    root = drawing.parsed(one.svg)
    letters: dict[str, set[str]] = {}
    for group in root.iterfind("{*}g"):
        (title,) = group.iterfind("{*}title")
        assert group.get("class") != "denied", "the Dell denies nothing by choice"
        for text in group.iterfind("{*}text"):
            letters.setdefault(text.text or "", set()).add((title.text or "").partition(": ")[2])
    written = [text.what for text in drawing.texts(one.svg)]
    for letter, services in letters.items():
        says = written[len(written) - 1 - written[::-1].index(letter) + 1]
        if letter == "r":
            assert services <= {"icmp, tcp/53, udp/53", "icmp, tcp/53, udp/53, udp/67"}
        elif "what r says" in says:
            assert services == {"icmp, tcp/53, tcp/2200, udp/53, udp/67"}
            assert says == "Only tcp/2200, and what r says."
        else:
            assert {f"Only {some}." for some in services} == {says}


def test_every_block_and_lease_range_is_written_in_its_segments_box() -> None:
    aws, dell = drawing.own()
    for one, name, expected in (
        (dell, "public", {"10.0.1.0/24", "DHCP .100 – .200"}),
        (dell, "database", {"10.0.3.0/24", "static only"}),
        (dell, "lan", {"192.168.1.0/24"}),
        (aws, "public", {"a: 10.0.1.0/24", "c: 10.0.2.0/24"}),
        (aws, "host", {"not on AWS"}),
    ):
        box = drawing.boxes(one.svg)[name]
        inside = {text.what for text in drawing.texts(one.svg) if text.inside(box)}
        assert inside == {name, *expected}


def test_every_machine_is_written_in_its_segments_box_with_its_address_and_port() -> None:
    (one,) = drawing.machines()
    box = drawing.boxes(one.svg)["database"]
    inside = {text.what for text in drawing.texts(one.svg) if text.inside(box)}
    assert inside == {"database", "10.0.3.0/24", "static only", "db-1 .10, ssh 2251", "db-2 .11, ssh 2252"}


@pytest.mark.parametrize("network", ["own", "twelve"])
def test_both_substrates_have_the_same_places_at_the_same_spots(network: str) -> None:
    aws, dell = NETWORKS[network]()
    assert [p.name for p in aws.scene.places] == [p.name for p in dell.scene.places]
    assert drawing.rectangles(aws.svg) == drawing.rectangles(dell.svg)
    size = [{k: drawing.attributes(one.svg)[k] for k in ("width", "height", "viewBox")} for one in (aws, dell)]
    assert size[0] == size[1]
    common = drawing.arrows(dell.svg).keys() & (drawing.arrows(aws.svg).keys() | drawing.denied(aws.svg).keys())
    assert common, "the flows between segments are the same, and what one denies lies where the other permits it"
    drawn = [[*drawing.arrows(one.svg), *drawing.denied(one.svg)] for one in (aws, dell)]
    ways = [
        dict(zip(pairs, drawing.strokes(o.svg)[::2], strict=True)) for pairs, o in zip(drawn, (aws, dell), strict=True)
    ]
    assert all(ways[0][pair] == ways[1][pair] for pair in common)


def test_arrows_cross_no_box_and_no_writing(pictures: list[Drawn]) -> None:
    for one in pictures:
        lines = drawing.strokes(one.svg)
        written = [text for text in drawing.texts(one.svg) if not re.fullmatch(r"[a-z]{1,2}", text.what)]
        for line, thing in itertools.product(lines, [*drawing.rectangles(one.svg), *written]):
            assert not grown(line).touches(thing), f"{line} crosses {thing}"


def grown(line: drawing.Box) -> drawing.Box:
    return drawing.Box(line.what, line.left - 0.9, line.top - 0.9, line.right + 0.9, line.bottom + 0.9)


def test_no_writing_lies_on_other_writing_or_leaves_its_box_or_the_picture(pictures: list[Drawn]) -> None:
    for one in pictures:
        written = drawing.texts(one.svg)
        for first, second in itertools.combinations(written, 2):
            assert not first.touches(second), f"{first} lies on {second}"
        _, _, width, height = map(float, drawing.attributes(one.svg)["viewBox"].split())
        for text in written:
            assert text.inside(drawing.Box("picture", 0, 0, width, height)), text
            for box in drawing.rectangles(one.svg):
                assert text.inside(box) or not text.touches(box), f"{text} leaves {box}"


def test_no_arrow_head_tag_or_dot_lies_on_another_or_on_a_strange_column(pictures: list[Drawn]) -> None:
    for one in pictures:
        for first, second in itertools.combinations(drawing.ends(one.svg), 2):
            assert not first.touches(second), f"{first} lies on {second}"
        columns = {line.left for line in drawing.strokes(one.svg) if line.what == "column"}
        for end in drawing.ends(one.svg):
            if end.what != "dot":
                assert not [x for x in columns if end.left < x < end.right], end


def test_the_overlap_checks_can_fail() -> None:
    (one,) = drawing.ports()
    spoiled = re.sub(r"M(\d+) (\d+)V", r"M40 \2V", one.svg)
    spoiled = re.sub(r'class="name" x="\d+"', 'class="name" x="300"', spoiled)
    with pytest.raises(AssertionError):
        test_arrows_cross_no_box_and_no_writing([Drawn(one.matrix, one.scene, spoiled)])
    with pytest.raises(AssertionError):
        test_no_writing_lies_on_other_writing_or_leaves_its_box_or_the_picture(
            [Drawn(one.matrix, one.scene, spoiled.replace('class="text" x="25"', 'class="text" x="100"'))]
        )


def test_five_and_four_segments_fit_a_phone_at_full_size() -> None:
    for network in (drawing.own, drawing.ports):
        for one in network():
            assert drawing.attributes(one.svg)["viewBox"].split()[2] == "360"
    assert float(drawing.attributes(drawing.twelve()[0].svg)["viewBox"].split()[2]) <= 500


@pytest.mark.parametrize("start", [1, 4, 7, 11])
def test_the_order_of_mappings_changes_no_byte(start: int) -> None:
    turned = drawing.TWELVE[start:] + drawing.TWELVE[:start]
    for names in (turned, tuple(reversed(turned))):
        assert names != drawing.TWELVE
        assert [one.svg for one in drawing.twelve(names)] == [one.svg for one in drawing.twelve()]


def test_two_processes_with_other_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    written: list[bytes] = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        words = [sys.executable, "-m", "twinvpc.cli", "picture", "--out", str(out)]
        subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=60)
        written.append(
            (out / "dell.svg").read_bytes() + (out / "aws.svg").read_bytes() + (out / "dell-and-aws.svg").read_bytes()
        )
    assert written[0] == written[1]


def test_a_change_of_one_flow_changes_the_picture() -> None:
    (one,) = drawing.ports()
    assert one.svg.count("tcp/6379") >= 2
    assert "Only tcp/6379." in one.svg


def test_nothing_is_fetched_and_nothing_runs() -> None:
    for one in drawing.own():
        for word in ("<script", "<image", "href", "url(", "@import", "@font-face", "<foreignObject"):
            assert word not in one.svg
        assert "sans-serif" in one.svg


def test_it_has_a_title_and_says_the_whole_matrix_in_words(pictures: list[Drawn]) -> None:
    for one in pictures:
        root = drawing.parsed(one.svg)
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "title desc"
        title, desc = root.find("{*}title"), root.find("{*}desc")
        assert title is not None
        assert desc is not None
        assert one.scene.stack in (title.text or "")
        for (source, destination), services in cells(one).items():
            assert f"{source} may open to {destination}: {services}." in (desc.text or "")
        for (source, destination), setting in one.matrix.declared.items():
            assert f"{source} may not open to {destination}, by the stack's choice: {setting}." in (desc.text or "")


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_line_and_letter_stands_out_in_light_and_dark() -> None:
    light, dark = style().split("@media screen and (prefers-color-scheme:dark)")
    for sheet in (light, dark):
        (paper,) = re.findall(r"\.paper,\.only\{fill:(#\w{6})\}", sheet)
        (box,) = re.findall(r"\.box\{fill:(#\w{6})", sheet)
        (ink,) = re.findall(r"text\{fill:(#\w{6})\}", sheet)
        (quiet,) = re.findall(r"text\.quiet\{fill:(#\w{6})\}", sheet)
        hues = re.findall(r"\.way\.h\w\{stroke:(#\w{6})\}", sheet)
        assert len(hues) == 5
        assert contrast(ink, box) >= 7
        assert min(contrast(colour, paper) for colour in (ink, quiet, *hues)) >= 4.5


@pytest.mark.parametrize("name", ["ports", "twelve", "machines"])
def test_the_picture_is_what_somebody_looked_at(name: str) -> None:
    golden.check(Path(__file__).parent / "golden" / f"{name}.svg", NETWORKS[name]()[-1].svg)
