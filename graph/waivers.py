"""What a scanner says of an export, and which of it is accepted: each finding by name, with a reason and an end."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from graph.errors import GraphError
from twinvpc.model.base import ConfigModel
from twinvpc.model.files import read_yaml

FILE = Path(__file__).with_name("waivers.yaml")
ACCOUNT_FILE = Path(__file__).with_name("waivers-account.yaml")

Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, order=True)
class Finding:
    """One check on one resource.

    Attributes:
        check: the check's id.
        resource: the resource's address.
    """

    check: str
    resource: str


@dataclass(frozen=True)
class Verdict:
    """What a scanner says of one export.

    Attributes:
        failed: what it objects to, with the check's title.
        passed: what it looked at and found in order.
    """

    failed: Mapping[Finding, str]
    passed: frozenset[Finding]


class Waiver(ConfigModel):
    """A check that may fail on some resources for a while.

    Attributes:
        check: the check's id.
        resources: addresses of the resources, each in full.
        reason: why it may fail.
        owner: who answers for it.
        expires: the last day on which it holds.
    """

    check: Text
    resources: Annotated[tuple[Text, ...], Field(min_length=1)]
    reason: Text
    owner: Text
    expires: date


class Waivers(ConfigModel):
    """The whole list."""

    waivers: tuple[Waiver, ...]


def read_waivers(path: Path = FILE) -> tuple[Waiver, ...]:
    """Read the list.

    Raises:
        GraphError: it cannot be read, or a waiver lacks something.
    """
    source = read_yaml(path)
    if source.problems:
        raise GraphError("\n".join(str(problem) for problem in source.problems))
    try:
        return Waivers.model_validate(source.mapping).waivers
    except ValidationError as error:
        told = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise GraphError(f"{path.name} cannot be used: {'; '.join(told)}") from None


def verdicts(report: str) -> Mapping[str, Verdict]:
    """Read checkov's JSON report on a folder of exports, by the folder of each.

    Raises:
        GraphError: the report is of another kind, or says that a file could not be read.
    """
    found = json.loads(report)
    if "results" not in found or found["results"]["parsing_errors"]:
        raise GraphError(f"checkov could not read the export: {found.get('results', found)}")
    failed: dict[str, dict[Finding, str]] = {}
    passed: dict[str, set[Finding]] = {}
    for kind, one in _checks(found["results"]):
        folder = one["file_path"].strip("/").partition("/")[0]
        finding = Finding(one["check_id"], one["resource"])
        if kind == "failed_checks":
            failed.setdefault(folder, {})[finding] = one["check_name"]
        else:
            passed.setdefault(folder, set()).add(finding)
    return {name: Verdict(failed.get(name, {}), frozenset(passed.get(name, ()))) for name in failed.keys() | passed}


def _checks(results: Mapping[str, list[Mapping[str, str]]]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for kind in ("failed_checks", "passed_checks"):
        for one in results[kind]:
            yield kind, one


def account_verdict(report: str, names: Mapping[str, str]) -> Verdict:
    """Read prowler's report (OCSF) on an account.

    Args:
        report: the report.
        names: a lasting name for each id that the account has made up.

    Raises:
        GraphError: the report says of something neither that it is right nor that it is wrong.
    """
    failed: dict[Finding, str] = {}
    passed: set[Finding] = set()
    for one in json.loads(report):
        resource = one["resources"][0]["uid"]
        for known, name in names.items():
            resource = resource.replace(known, name)
        finding = Finding(one["metadata"]["event_code"], resource)
        if one["status_code"] == "FAIL":
            failed[finding] = one["finding_info"]["title"]
        elif one["status_code"] == "PASS":
            passed.add(finding)
        else:
            raise GraphError(f"prowler says {one['status_code']} of {finding.check} on {resource}")
    return Verdict(failed, frozenset(passed))


def judge(found: Iterable[Verdict], waivers: Iterable[Waiver], today: date, file: Path = FILE) -> list[str]:
    """Everything that is wrong with exports and waivers, as sentences; nothing if all is in order.

    Args:
        found: verdicts on all exports together: a waiver has to be needed by one of them.
        waivers: what is accepted.
        today: the day.
        file: the list that a new waiver would go to.
    """
    found = tuple(found)
    failed = {finding: title for one in found for finding, title in one.failed.items()}
    known = {finding.check for one in found for finding in (*one.failed, *one.passed)}
    waived: set[Finding] = set()
    wrong: list[str] = []
    for one in waivers:
        covered = {Finding(one.check, resource) for resource in one.resources}
        if one.check not in known:
            wrong.append(f"waiver for {one.check}: no such check was made; correct the id, or remove the waiver")
        elif one.expires < today:
            wrong.append(f"waiver for {one.check}: expired on {one.expires}; {one.owner} decides anew")
        else:
            wrong += [
                f"waiver for {one.check} on {finding.resource}: the check does not fail there; remove it"
                for finding in sorted(covered - failed.keys())
            ]
            if twice := sorted(finding.resource for finding in covered & waived):
                wrong.append(f"waiver for {one.check}: {', '.join(twice)} is waived already; remove one of them")
            waived |= covered
    where = f"{file.parent.name}/{file.name}"
    wrong += [
        f"{one.check} on {one.resource}: {failed[one]}; correct the stack, or waive it in {where}"
        for one in sorted(failed.keys() - waived)
    ]
    return wrong
