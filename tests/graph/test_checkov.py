"""Others' verdict: checkov finds nothing in our stacks but what is waived, and each mistake made on purpose.

All documents are scanned in one run of checkov, each in a folder of its own: most of a run is its start.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from graph.hcl import hcl
from graph.record import record
from graph.terraform import Json, export
from graph.waivers import Verdict, judge, read_waivers, verdicts
from sandbox import checkov
from sandbox.paths import ROOT
from tests.graph.flips import FLIPS, flipped
from tests.graph.stacks import STACKS, VARIANTS, variant

pytestmark = pytest.mark.checkov

SUBJECT = "nat"
"""The stack that mistakes are made in: it has everything that checkov looks at."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    """Verdicts on every stack, on what it could be, and on every mistake, by folder."""
    recordings = {name: record(ROOT, name) for name in STACKS}
    recordings |= {name: variant(name, tmp_path_factory.mktemp(name)) for name in VARIANTS}
    documents: dict[str, Json] = {name: json.loads(export(made).text) for name, made in recordings.items()}
    for name, (_, kind, change) in FLIPS.items():
        documents[f"flip-{name}"] = flipped(documents[SUBJECT], kind, change)
    folder = tmp_path_factory.mktemp("exports")
    for name, document in documents.items():
        (folder / name).mkdir()
        (folder / name / "main.tf").write_text(hcl(document))
    return verdicts(checkov.scan(folder))


def test_nothing_is_found_but_what_is_waived(found: Mapping[str, Verdict]) -> None:
    ours = [verdict for name, verdict in found.items() if name in STACKS]
    assert judge(ours, read_waivers(), datetime.now(UTC).date()) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_another_way_out_brings_no_finding_of_another_kind(found: Mapping[str, Verdict], name: str) -> None:
    """Its resources have names of their own; a waiver would be needed for these once the stack has them."""
    assert {one.check for one in found[name].failed} == {one.check for one in read_waivers()}


def test_checkov_looked_at_every_type_it_knows(found: Mapping[str, Verdict]) -> None:
    """It passes over in silence what it does not understand: so something is said of each of these."""
    seen = {one.resource.partition(".")[0] for one in (*found[SUBJECT].passed, *found[SUBJECT].failed)}
    assert {
        "aws_vpc", "aws_subnet", "aws_network_acl", "aws_security_group", "aws_vpc_security_group_ingress_rule",
        "aws_vpc_security_group_egress_rule", "aws_eip", "aws_cloudwatch_log_group", "aws_iam_role",
        "aws_iam_role_policy", "aws_route",
    } <= seen  # fmt: skip


@pytest.mark.parametrize("name", FLIPS)
def test_a_mistake_is_found_by_its_own_check(found: Mapping[str, Verdict], name: str) -> None:
    before, after = found[SUBJECT].failed, found[f"flip-{name}"].failed
    assert {one.check for one in after.keys() - before.keys()} == {FLIPS[name][0]}
    assert after.keys() >= before.keys(), "nothing is hidden by it"


def test_there_are_ten_mistakes_at_least_each_with_a_check_of_its_own() -> None:
    checks = [check for check, _, _ in FLIPS.values()]
    assert len(set(checks)) == len(checks) >= 10


def test_what_checkov_does_not_know_it_cannot_approve(found: Mapping[str, Verdict]) -> None:
    """None of its checks is about libvirt: should that change, the Dell's export is judged like the others."""
    assert "dell" not in found


def test_a_mistake_would_fail_the_gate(found: Mapping[str, Verdict]) -> None:
    """Negative control of the first test: its judge sees what the scan sees."""
    told = judge([found["flip-public-addresses"]], read_waivers(), datetime.now(UTC).date())
    assert any(one.startswith("CKV_AWS_130 on aws_subnet.") for one in told)


def test_a_waiver_that_is_not_needed_would_fail_the_gate(found: Mapping[str, Verdict]) -> None:
    """Negative control: a check that passes everywhere is waived, and nothing else changes."""
    ours = [verdict for name, verdict in found.items() if name in STACKS]
    subnet = next(one.resource for one in ours[0].passed if one.check == "CKV_AWS_130")
    unneeded = read_waivers()[0].model_copy(update={"check": "CKV_AWS_130", "resources": (subnet,)})
    assert judge(ours, [*read_waivers(), unneeded], date(2026, 12, 1)) == [
        f"waiver for CKV_AWS_130 on {subnet}: the check does not fail there; remove it"
    ]


def test_checkov_is_pinned_with_hashes() -> None:
    pins = re.findall(r"^(\S+?)==\S+ \\\n +--hash=", checkov.REQUIREMENTS.read_text(), re.MULTILINE)
    every = re.findall(r"^([\w.\[\]-]+)==", checkov.REQUIREMENTS.read_text(), re.MULTILINE)
    assert "checkov" in pins
    assert pins == every


def test_another_list_of_pins_is_another_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = checkov.environment()
    other = tmp_path / "requirements.txt"
    other.write_bytes(checkov.REQUIREMENTS.read_bytes() + b"\n")
    monkeypatch.setattr(checkov, "REQUIREMENTS", other)
    assert checkov.environment() != before


def test_the_scan_carries_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No account of the vendor's, no proxy: with these it would talk to somebody."""
    given: dict[str, str] = {}

    def look(*_: object, env: Mapping[str, str], **__: object) -> str:
        given.update(env)
        return ""

    monkeypatch.setenv("BC_API_KEY", "a::b")
    monkeypatch.setenv("PRISMA_API_URL", "https://example.org")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(checkov, "run", look)
    checkov.scan(tmp_path)
    assert given.keys() == {"PATH", "HOME", "LANG"}
