"""Every line of a rendered ruleset is broken in every way that there is, and each mutant is still a ruleset."""

import re
import subprocess
from pathlib import Path

import pytest

from sandbox.mutation.layers import AROUND, ENTER, LAYERS, LEAVE, SEALS, SIGN, THIRD, Opening, layer_of, opened
from sandbox.mutation.mutants import WIDER, WITHOUT, Mutant, lines, mutants

GOLDEN = Path(__file__).parents[1] / "policy" / "golden"
RULESET = "\n".join((GOLDEN / name).read_text() for name in ("dell.nft", "dell.held.nft"))
VERDICTS = re.compile(r"\b(accept|drop|reject|masquerade|goto|jump|mark set|log)\b")


def test_every_rule_and_every_element_is_found_once() -> None:
    found = list(lines(RULESET))
    assert len({line.number for line in found}) == len(found)
    texts = RULESET.splitlines()
    assert all(line.text in texts[line.number] for line in found)
    rules = [text for text in texts if VERDICTS.search(text) and "policy accept" not in text]
    assert len(rules) == sum(bool(VERDICTS.search(line.text)) for line in found)
    assert len([text for text in texts if text.startswith(" " * 12)]) == len(found) - len(rules)


def test_a_mutant_differs_in_its_one_line() -> None:
    whole = RULESET.splitlines()
    for one in mutants(RULESET):
        broken = one.ruleset.splitlines()
        number = one.line.number
        lost = len(whole) - len(broken)
        if lost == 3:  # the last element of a set takes its brackets along
            assert whole[number - 1].endswith("elements = {")
            number -= 1
        assert broken[:number] == whole[:number]
        assert broken[number + (one.change == WIDER) :] == whole[number + lost + (one.change == WIDER) :]
        assert one.change == WITHOUT or broken[number].strip() in one.line.text


def test_every_line_goes_and_every_condition_too() -> None:
    found = list(mutants(RULESET))
    gone = [one.line for one in found if one.change == WITHOUT]
    assert gone == list(lines(RULESET))
    wider = {one.line for one in found if one.change == WIDER}
    bare = [line.text for line in gone if line not in wider and VERDICTS.search(line.text)]
    assert set(bare) <= {
        "goto refuse", "jump leave", "counter drop", "counter reject with icmpx admin-prohibited",
        "meta mark set meta mark | 0x2000000", "meta mark set meta mark | 0x4000000",
    }  # fmt: skip


def by(place: str) -> Mutant:
    return next(one for one in mutants(RULESET) if f"{one.line.table} {one.line.place}" == place)


@pytest.mark.parametrize(
    ("place", "layer"),
    [
        ("twin_vpc leave_any", LEAVE), ("twin_vpc leave", LEAVE), ("twin_vpc left", LEAVE),
        ("twin_vpc enter_any", ENTER), ("twin_vpc enter_inner", ENTER), ("twin_vpc sign", SIGN),
        ("twin_vpc guard", AROUND), ("twin_vpc to_host", AROUND),
        ("twin_vpc_host seal", SEALS), ("twin_vpc_held guard", THIRD),
    ],
)  # fmt: skip
def test_a_line_is_judged_in_its_own_layer(place: str, layer: object) -> None:
    assert layer_of(by(place).line) == layer


def test_an_opening_comes_first_behind_the_hook() -> None:
    text = opened(RULESET, [Opening("twin_vpc_host", "seal"), Opening("twin_vpc", "enter", "goto entered")])
    seal = text[text.index("table inet twin_vpc_host {") :].partition("chain seal {\n")[2].splitlines()
    assert seal[0].strip().startswith("type filter hook")
    assert seal[1].strip() == "accept"
    assert text.partition("chain enter {\n")[2].startswith("        goto entered\n")
    with pytest.raises(ValueError, match="not in list"):
        opened(RULESET, [Opening("twin_vpc_held", "sign")])
    with pytest.raises(ValueError, match="table twin_vpc_host has no chain guard"):
        opened(RULESET, [Opening("twin_vpc_host", "guard")])


@pytest.mark.root
def test_nft_takes_every_mutant_in_every_layer() -> None:
    """A text that nft refuses would leave the sound rules in force, and look unnoticed."""
    for one in mutants(RULESET):
        text = opened(one.ruleset, layer_of(one.line).openings).replace("flags owner", "")
        done = subprocess.run(
            ["unshare", "-n", "nft", "-c", "-f", "-"],
            input=f'define uplinks = {{ "eno1" }}\n{text}', text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{one}: {done.stderr}"


def test_the_layers_are_those_that_lines_have() -> None:
    assert {layer_of(line) for line in lines(RULESET)} == set(LAYERS)
