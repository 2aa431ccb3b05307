"""Findings and waivers: what is not waived, no longer true, or past its end is told."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from graph.errors import GraphError
from graph.waivers import FILE, Finding, Verdict, Waiver, judge, read_waivers, verdicts

TODAY = date(2026, 11, 27)
KMS, GROUP = "CKV_AWS_158", "aws_cloudwatch_log_group.flows"
TITLE = "Ensure that CloudWatch Log Group is encrypted by KMS"
FOUND = Verdict({Finding(KMS, GROUP): TITLE}, frozenset({Finding("CKV_AWS_130", "aws_subnet.web")}))


def waiver(check: str = KMS, resources: Iterable[str] = (GROUP,), expires: date = TODAY) -> Waiver:
    return Waiver(check=check, resources=tuple(resources), reason="a choice", owner="the owner", expires=expires)


def test_a_finding_is_told_with_the_way_out() -> None:
    assert judge([FOUND], [], TODAY) == [
        f"{KMS} on {GROUP}: {TITLE}; correct the stack, or waive it in graph/waivers.yaml"
    ]


def test_a_waiver_holds_to_its_last_day_and_no_longer() -> None:
    assert judge([FOUND], [waiver()], TODAY) == []
    told = judge([FOUND], [waiver(expires=date(2026, 11, 26))], TODAY)
    assert told[0] == f"waiver for {KMS}: expired on 2026-11-26; the owner decides anew"
    assert len(told) == 2, "and what it covered is a finding again"


def test_a_waiver_that_nothing_needs_is_told() -> None:
    assert judge([FOUND], [waiver(), waiver("CKV_AWS_130", ["aws_subnet.web"])], TODAY) == [
        "waiver for CKV_AWS_130 on aws_subnet.web: the check does not fail there; remove it"
    ]
    assert judge([FOUND], [waiver(resources=[GROUP, "aws_cloudwatch_log_group.gone"])], TODAY) == [
        f"waiver for {KMS} on aws_cloudwatch_log_group.gone: the check does not fail there; remove it"
    ]


def test_a_waiver_for_a_check_that_is_none_is_told() -> None:
    assert judge([FOUND], [waiver(), waiver("CKV_AWS_99999")], TODAY) == [
        "waiver for CKV_AWS_99999: no such check was made; correct the id, or remove the waiver"
    ]


def test_two_waivers_for_one_finding_are_told() -> None:
    assert judge([FOUND], [waiver(), waiver()], TODAY) == [
        f"waiver for {KMS}: {GROUP} is waived already; remove one of them"
    ]


def test_a_waiver_is_needed_by_one_stack_of_several() -> None:
    clean = Verdict({}, frozenset({Finding(KMS, GROUP)}))
    assert judge([clean, FOUND], [waiver()], TODAY) == []


def test_our_own_list_can_be_read() -> None:
    for one in read_waivers():
        assert one.check.startswith("CKV")
        assert one.reason[-1] != ".", "a reason is a phrase"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("waivers: [{check: a, resources: [b], reason: c, owner: d}]", "waivers.0.expires: Field required"),
        ("waivers: [{check: a, resources: [], reason: c, owner: d, expires: 2027-01-01}]", "waivers.0.resources: "),
        ("waivers: [{check: a, resources: [b], reason: '', owner: d, expires: 2027-01-01}]", "waivers.0.reason: "),
        ("waivers: [{check: a, resources: [b], reason: c, owner: '', expires: 2027-01-01}]", "waivers.0.owner: "),
        ("waivers: [{check: a, resources: [b], reason: c, owner: d, expires: soon}]", "waivers.0.expires: "),
        ("waivers: []\nwavers: []", "wavers: Extra inputs are not permitted"),
        ("waivers: [", "waivers.yaml"),
    ],
)
def test_a_waiver_that_lacks_something_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / FILE.name
    path.write_text(text)
    with pytest.raises(GraphError) as told:
        read_waivers(path)
    assert said in str(told.value)


def report(**results: object) -> str:
    whole = {"failed_checks": [], "passed_checks": [], "parsing_errors": []} | results
    return json.dumps({"results": whole})


def test_a_report_is_read_folder_by_folder() -> None:
    def one(folder: str, check: str) -> dict[str, str]:
        return {"check_id": check, "check_name": TITLE, "resource": GROUP, "file_path": f"/{folder}/main.tf"}

    text = report(failed_checks=[one("aws", KMS)], passed_checks=[one("aws", "CKV_AWS_66"), one("staging", KMS)])
    assert verdicts(text) == {
        "aws": Verdict({Finding(KMS, GROUP): TITLE}, frozenset({Finding("CKV_AWS_66", GROUP)})),
        "staging": Verdict({}, frozenset({Finding(KMS, GROUP)})),
    }


@pytest.mark.parametrize("text", [report(parsing_errors=["/aws/main.tf"]), json.dumps({"passed": 0, "failed": 0})])
def test_a_scan_that_read_nothing_is_no_verdict(text: str) -> None:
    with pytest.raises(GraphError, match="checkov could not read the export"):
        verdicts(text)
