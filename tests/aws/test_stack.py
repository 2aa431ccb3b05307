"""Stack `aws` as its owner runs it: the real engine and program, the stand-in, and a simulated account."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from graph.prove import prove
from sandbox.aws.describe import describe
from sandbox.aws.standin.account import LOG_VARIABLE, Client
from sandbox.engine import ensure
from tests.aws.driver import REGION
from tests.components.engine import ROOT
from tests.engine.project import Outcome, Project
from tests.program.checkout import lay_out

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

STACK = "aws"
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)


@dataclass(frozen=True)
class Account:
    """A project that was deployed, and the account that it was deployed to."""

    project: Project
    requests: Path
    first: Outcome

    def run(self, *argv: str) -> Outcome:
        process = self.project.start(*argv)
        text, _ = process.communicate(timeout=300)
        return Outcome(process.returncode, text)

    def output(self, name: str) -> str:
        return self.run("stack", "output", name, "--stack", STACK).text.strip()

    def described(self) -> dict[str, list[Any]]:
        return describe(REGION, self.output("vpc_id"))

    def asked(self, operation: str) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self.requests.read_text().splitlines()]
        return [entry["parameters"] for entry in entries if entry["operation"] == operation]


@pytest.fixture(scope="module")
def surroundings(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    log = tmp_path_factory.mktemp("log") / "requests.jsonl"
    said = {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox",
        LOG_VARIABLE: str(log),
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in said.items():
            patch.setenv(name, value)
        yield said


@pytest.fixture(scope="module")
def deployed(surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Account:
    base = tmp_path_factory.mktemp("project")
    project = lay_out(ensure(), base)
    project = replace(project, environment={**project.environment, **surroundings})
    account = Account(project, Path(surroundings[LOG_VARIABLE]), Outcome(0, ""))
    assert account.run("stack", "init", STACK).code == 0
    preview = account.run("preview", "--stack", STACK)
    assert preview.code == 0, preview.text
    assert not account.requests.exists(), "a preview asks the account nothing"
    for words in ("price a month in USD: ap-northeast-1", "* 0.79         82.56         50.42"):
        assert words in preview.text, "what it costs, and what another way out would"
    return replace(account, first=account.run(*UP))


def test_up_builds_it_and_says_so_cleanly(deployed: Account) -> None:
    assert deployed.first.code == 0, deployed.first.text
    assert deployed.first.clean(), deployed.first.text


def test_a_second_up_a_preview_and_a_refresh_change_nothing(deployed: Account) -> None:
    for argv in (
        (*UP, "--expect-no-changes"),
        ("preview", "--expect-no-changes", "--stack", STACK),
        ("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK),
    ):
        done = deployed.run(*argv)
        assert done.code == 0, done.text


def test_intent_graph_and_account_say_the_same(deployed: Account) -> None:
    assert prove(ROOT, STACK, deployed.described()).lines == ()


def test_a_rule_that_somebody_added_in_the_account_is_named_by_its_cell(deployed: Account) -> None:
    """The negative control: the account is really asked, and the gate really sees it."""
    ec2: Client = boto3.client("ec2", region_name=REGION)
    (group,) = (one["GroupId"] for one in deployed.described()["SecurityGroups"] if _name(one) == "groups-database")
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    try:
        lines = prove(ROOT, STACK, deployed.described()).lines
        assert any("account" in line and "groups-database" in line for line in lines), lines
    finally:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])
    assert prove(ROOT, STACK, deployed.described()).lines == ()


def test_an_entry_that_somebody_opened_shows_in_a_refresh_and_the_next_up_closes_it(deployed: Account) -> None:
    ec2: Client = boto3.client("ec2", region_name=REGION)
    (acl,) = (one for one in deployed.described()["NetworkAcls"] if _name(one) == "acls-database")
    ec2.create_network_acl_entry(
        NetworkAclId=acl["NetworkAclId"], RuleNumber=1, Egress=False, Protocol="-1", RuleAction="allow",
        CidrBlock="0.0.0.0/0",
    )  # fmt: skip
    assert prove(ROOT, STACK, deployed.described()).lines
    refreshed = deployed.run("refresh", "--yes", "--skip-preview", "--stack", STACK)
    assert refreshed.code == 0, refreshed.text
    assert "acls-database" in refreshed.text
    assert deployed.run(*UP).code == 0
    assert prove(ROOT, STACK, deployed.described()).lines == ()


def test_what_the_account_forgets_was_asked_for(deployed: Account) -> None:
    (flow_log,) = deployed.asked("CreateFlowLogs")
    assert flow_log["TrafficType"] == "ALL"
    for request in deployed.asked("CreateSubnet"):
        tags = {one["Key"]: one["Value"] for one in request["TagSpecifications"][0]["Tags"]}
        assert tags["environment"] == "production"
    for direction in ("Ingress", "Egress"):
        for request in deployed.asked(f"AuthorizeSecurityGroup{direction}"):
            (permission,) = request["IpPermissions"]
            (peer,) = [*permission.get("UserIdGroupPairs", []), *permission.get("IpRanges", [])]
            assert peer.get("Description") or "TagSpecifications" not in request, "but for what a test has added"
    assert {one["MapPublicIpOnLaunch"]["Value"] for one in deployed.asked("ModifySubnetAttribute")} == {False}


def test_destroy_leaves_no_network(deployed: Account) -> None:
    vpc = deployed.output("vpc_id")
    done = deployed.run("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert done.code == 0, done.text
    ec2: Client = boto3.client("ec2", region_name=REGION)
    assert vpc not in {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}


def _name(described: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in described.get("Tags", []) if tag["Key"] == "Name"), "")
