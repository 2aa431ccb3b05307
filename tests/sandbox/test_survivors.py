"""What survives needs a written reason, what has a reason must survive, and the report is of today's walls."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from sandbox.mutation.judge import Change, Verdict
from sandbox.mutation.layers import LEAVE
from sandbox.mutation.mutants import REMOVED, Line, Mutant, mutants
from sandbox.mutation.networks import SUBJECTS
from sandbox.mutation.reasons import Explanations, Reason, read_reasons
from sandbox.mutation.report import digest, seals, write
from sandbox.mutation.walls import Walls
from sandbox.mutation.world import Network

REPORT = Path(__file__).parents[2] / "docs" / "mutations.md"
OPENED = Change("public → database tcp/22", "closed: silence", "open to 10.0.1.201")


def verdict(text: str, change: Change | None = None, together: Change | None = None) -> Verdict:
    return Verdict(Mutant(Line("twin_vpc", "leave", 1, text), REMOVED, Walls("")), LEAVE, change, together)


FOUND: Mapping[str, Sequence[Verdict]] = {
    "owner": (verdict("one", OPENED, OPENED), verdict("two"), verdict("three")),
    "everything": (verdict("two", OPENED), verdict("three")),
}


def reason(*patterns: str, elsewhere: bool = False, network: str | None = None) -> Reason:
    why = "no packet can tell, as the next line says the same"
    return Reason(mutants=patterns, noticed_elsewhere=elsewhere, network=network, why=why)


def test_a_survivor_without_a_reason_is_named_with_its_network() -> None:
    known = Explanations(FOUND, [reason("*: two: *")])
    assert known.unexplained == ["owner: twin_vpc leave: three: removed", "everything: twin_vpc leave: three: removed"]


def test_a_reason_that_speaks_of_no_survivor_is_named() -> None:
    known = Explanations(FOUND, [reason("*two*", "*three*", "*one*")])
    assert (known.unexplained, known.unused) == ([], ["*one*"])


def test_what_only_another_network_can_tell_must_be_noticed_there() -> None:
    known = Explanations(FOUND, [reason("*", elsewhere=True)])
    assert known.of("owner")["twin_vpc leave: two: removed"] is not None
    assert known.of("owner")["twin_vpc leave: three: removed"] is None


def test_a_reason_for_one_network_says_nothing_of_another() -> None:
    known = Explanations(FOUND, [reason("*three*", network="everything"), reason("*two*")])
    assert known.unexplained == ["owner: twin_vpc leave: three: removed"]


@pytest.mark.parametrize("wrong", [{"mutants": []}, {"why": "because"}, {"when": "always"}])
def test_a_reason_that_says_nothing_is_refused(wrong: Mapping[str, object]) -> None:
    with pytest.raises(ValidationError):
        Reason.model_validate({"mutants": ["*"], "why": "no packet can tell the two apart", **wrong})


def test_the_report_counts_and_names_what_opened_and_what_survived() -> None:
    known = Explanations(FOUND, [reason("*three*", "*two*")])
    text = write(FOUND, {key: Walls(key) for key in FOUND}, known, "today")
    assert "| **all** | 3 | 1 | 1 | 1 | 1 | 2 |" in text
    assert (
        "- `twin_vpc leave: one: removed`  \n  public → database tcp/22: closed: silence → open to 10.0.1.201" in text
    )
    assert seals(text) == [(digest(Walls("owner")), 3), (digest(Walls("everything")), 2)]


def test_the_committed_report_is_of_todays_walls_and_of_every_mutant() -> None:
    """Red after a change of a rule: `python -m sandbox.mutation --out docs/mutations.md` writes it anew."""
    today = [Network.read(subject.folder).walls for subject in SUBJECTS.values()]
    assert seals(REPORT.read_text(encoding="utf-8")) == [(digest(one), len(list(mutants(one)))) for one in today]


def test_the_committed_report_has_a_reason_for_every_survivor() -> None:
    text = REPORT.read_text(encoding="utf-8")
    assert "No reason is written" not in text
    assert all(" ".join(one.why.split()) in text for one in read_reasons())
