"""From Pulumi's own account of a refresh and a preview to sentences that an owner can act on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from operations.drift.findings import APPLIES, POLICY, SSHD, STRANGE, UP, WATCH, Finding, in_files, on_host
from operations.drift.steps import Step, steps
from operations.errors import OperationError
from sandbox.paths import ROOT

NETWORK = "libvirt:index/network:Network"
Json: TypeAlias = Any
"""Values of a resource."""


def step(type_name: str, before: Json, after: Json, op: str = "update", *changed: str, name: str = "it") -> Step:
    """One resource as Pulumi tells of it, read back."""
    entry = {
        "op": op,
        "urn": f"urn:pulumi:dell::twin-vpc::twin-vpc:host:Parent${type_name}::{name}",
        "oldState": {"outputs": before},
        **({"newState": {"outputs": after}} if after is not None else {}),
        "detailedDiff": {path: {"kind": "update"} for path in changed} or None,
    }
    (found,) = steps(json.dumps({"steps": [entry]}))
    return found


HEALTHY = {
    "kernel": "sha256:1", "service": "enabled", "ruleset": "a\nb\n", "routingRules": ["x", "y"], "firewalld": True,
    "zonePolicies": {"twin-vpc-out": "<policy/>\n"},
}  # fmt: skip


def policy(*changed: str, op: str = "update", **values: Json) -> list[str]:
    found = on_host([step(POLICY, HEALTHY, HEALTHY | values, op, *changed)])
    assert {(one.resource, one.repair) for one in found} <= {(POLICY, UP)}
    return [f"{one.what}: {one.said}" for one in found]


def test_a_quiet_refresh_says_nothing() -> None:
    assert policy(op="refresh") == []
    watch = {"health": {"network public": "in force", "pool twin-vpc-ssd": "in force"}}
    assert on_host([step(WATCH, watch, watch, "refresh"), step(NETWORK, {"name": "a"}, {"name": "a"}, "refresh")]) == ()


def test_a_strangers_network_is_named_with_another_way_than_up() -> None:
    said = "another network has its name (UUID 5), and it is not ours: its mode is nat, not open"
    (found,) = on_host(
        [step(WATCH, {}, {"health": {"network public": f"changed by hand: {said}"}}, "update", "health")]
    )
    assert found == Finding("network public", said, WATCH, STRANGE)
    assert "make adopt" in str(found)


POLICIES: dict[str, tuple[dict[str, Json], str]] = {
    "policy in the kernel: table inet twin_vpc is missing": (
        {"kernel": "changed by hand: table inet twin_vpc is missing"},
        "kernel",
    ),
    "policy at boot: an earlier run was not finished": ({"service": "an earlier run was not finished"}, "service"),
    "/etc/twin-vpc/ruleset.nft: the file was edited: line 2 is `c`, not `b`": ({"ruleset": "a\nc\n"}, "ruleset"),
    "/etc/twin-vpc/ruleset.nft: the file was edited: a line 3 was added, `c`": ({"ruleset": "a\nb\nc\n"}, "ruleset"),
    "/etc/twin-vpc/ruleset.nft: the file was edited: 1 lines are missing at its end": ({"ruleset": "a\n"}, "ruleset"),
    "/etc/twin-vpc/ruleset.nft: the file is missing or empty": ({"ruleset": ""}, "ruleset"),
    "/etc/twin-vpc/routing-rules: the file was edited: line 1 is `z`, not `x`": (
        {"routingRules": ["z", "y"]},
        "routingRules[0]",
    ),
    "/etc/firewalld/policies/twin-vpc-out.xml: the file is missing or empty": ({"zonePolicies": {}}, "zonePolicies"),
    "policy: firewalld is `False`, not `True`": ({"firewalld": False}, "firewalld"),
}


@pytest.mark.parametrize("said", POLICIES)
def test_every_part_of_the_policy_is_named_by_the_place_where_it_lies(said: str) -> None:
    values, changed = POLICIES[said]
    assert policy(changed, **values) == [said]


def test_every_sentence_of_the_kernel_is_a_finding_of_its_own() -> None:
    assert policy("kernel", kernel="changed by hand: a is b; c is d") == [
        "policy in the kernel: a is b",
        "policy in the kernel: c is d",
    ]


def test_what_a_refresh_has_recorded_is_named_although_nothing_differs_from_the_record() -> None:
    assert policy(op="refresh", service="changed by hand: x is stopped") == ["policy at boot: x is stopped"]
    ill = {"health": {"network public": "changed by hand: it is not running"}}
    assert [one.said for one in on_host([step(WATCH, ill, ill, "refresh")])] == ["it is not running"]


def test_an_sshd_that_was_changed_is_named_by_its_file_and_by_what_it_does() -> None:
    quiet = {"settings": "a\nb\n", "state": "in force"}
    assert on_host([step(SSHD, quiet, quiet, "refresh")]) == ()
    ill = {"settings": "a\nc\n", "state": "changed by hand: sshd listens on 22 too; x"}
    found = on_host([step(SSHD, quiet, ill, "update", "settings", "state")])
    assert [f"{one.what}: {one.said}" for one in found] == [
        "sshd: sshd listens on 22 too",
        "sshd: x",
        "/etc/ssh/sshd_config.d/00-twin-vpc.conf: the file was edited: line 2 is `c`, not `b`",
    ]
    assert [one.said for one in on_host([step(SSHD, ill, ill, "refresh")])] == ["sshd listens on 22 too", "x"]
    assert on_host([step(SSHD, quiet, None, "delete")]) == (Finding("sshd", "it is not there", SSHD),)


def test_a_policy_that_is_gone_is_one_finding() -> None:
    assert on_host([step(POLICY, HEALTHY, None, "delete")]) == (Finding("policy", "it is not there", POLICY),)


def test_what_is_watched_is_named_once_and_what_is_not_in_pulumis_words() -> None:
    ill = {"health": {"network public": "changed by hand: its mode is nat, not open", "pool x": "in force"}}
    found = on_host(
        [
            step(NETWORK, {"name": "public", "mode": "open"}, {"name": "public", "mode": "nat"}, "update", "mode"),
            step(NETWORK, {"name": "database"}, None, "delete"),
            step("libvirt:index/domain:Domain", {"name": "vm1", "disks": [{"id": 1}]},
                 {"name": "vm1", "disks": [{"id": 2}]}, "update", "disks[0].id", "disks[9]", "a.b"),
            step(WATCH, {}, ill, "update", "health"),
        ]
    )  # fmt: skip
    assert [f"{one.what}: {one.said}" for one in found] == [
        "network public: its mode is nat, not open",
        "network database: it is not there",
        "domain vm1: disks[0].id is `2`, not `1`",
        "domain vm1: disks[9] is nothing, not nothing",
        "domain vm1: a.b is nothing, not nothing",
    ]


def test_what_the_files_want_otherwise_is_named_unless_the_host_told_it_already() -> None:
    named = [Finding("network public", "it is not running", WATCH), Finding("policy at boot", "x", POLICY)]
    planned = [
        step(NETWORK, {"name": "public"}, {"name": "public"}, "update", "dns"),
        step(NETWORK, {"name": "private"}, {"name": "private"}, "replace", "addresses", "xml"),
        step(POLICY, HEALTHY, HEALTHY, "update", "ruleset"),
        step(WATCH, {}, {}, "update", "networks"),
        step("twin-vpc:host:NetworkWatch", {}, {}, "create"),
        step(NETWORK, {"name": "same"}, {"name": "same"}, "same"),
    ]
    said = "the files want it otherwise than it was recorded: replace addresses, xml"
    assert in_files(planned, named) == (Finding("network private", said, NETWORK, APPLIES),)
    alone = in_files([step(WATCH, {}, {}, "create", name="watch")], ())
    assert [one.what for one in alone] == ["network watch watch"], "a stack that nobody watches yet is not quiet"


def test_a_long_value_is_cut_and_a_line_holds_what_where_and_the_way_back() -> None:
    long = policy("ruleset", ruleset="a\n" + 200 * "x")[0]
    assert len(long) < 180
    assert "…" in long
    assert str(Finding("network public", "it is not running", WATCH)) == (
        "network public: it is not running; `pulumi up` puts it back"
    )


@pytest.mark.parametrize("text", ["", "hello", "{}", '{"steps": [{}]}', '{"steps": [{"op": "same", "urn": "x"}]}'])
def test_an_answer_in_another_form_is_no_quiet_host(text: str) -> None:
    with pytest.raises(OperationError, match="is it the version"):
        steps(text)


PULUMI = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/asked"
case $1 in refresh) cat "$(dirname "$0")/refresh" ;; preview) echo '{"steps": []}' ;; esac
exit "$(cat "$(dirname "$0")/code")"
"""


def run(folder: Path, refresh: str, code: int, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m operations drift` with a `pulumi` that answers from a file."""
    (folder / "pulumi").write_text(PULUMI)
    (folder / "pulumi").chmod(0o755)
    (folder / "refresh").write_text(refresh)
    (folder / "code").write_text(str(code))
    return subprocess.run(
        [sys.executable, "-m", "operations", "drift", "--stack", "dell", *words],
        cwd=ROOT, env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_exit_codes_tell_quiet_from_drift_from_could_not_look(tmp_path: Path) -> None:
    urn = f"urn:pulumi:dell::twin-vpc::{WATCH}::watch"
    ill = {"op": "update", "urn": urn, "newState": {"outputs": {"health": {"network a": "changed by hand: b"}}}}
    quiet = run(tmp_path, '{"steps": []}', 0)
    assert (quiet.returncode, quiet.stdout) == (0, "stack dell: everything is as it was deployed\n")
    drifted = run(tmp_path, json.dumps({"steps": [ill]}), 0)
    assert (drifted.returncode, drifted.stdout) == (1, "network a: b; `pulumi up` puts it back\n")
    spoken = run(tmp_path, json.dumps({"steps": [ill]}), 0, "--json")
    assert (spoken.returncode, json.loads(spoken.stdout)["quiet"]) == (1, False)
    failed = run(tmp_path, "the host is gone", 255)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "the host is gone" in failed.stderr
    assert "Traceback" not in failed.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert all("--preview-only" in line or line.startswith("preview ") for line in asked), "nothing is recorded"
