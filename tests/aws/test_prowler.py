"""Others' verdict on the account: prowler finds nothing but what is waived, and each mistake made there by hand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import boto3
import pytest

from graph.waivers import ACCOUNT_FILE, Verdict, account_verdict, judge, read_waivers
from sandbox import prowler
from sandbox.aws.standin.account import LOG_VARIABLE, Client
from sandbox.engine import ensure
from tests.aws.driver import REGION
from tests.program.checkout import lay_out

pytestmark = [pytest.mark.engine, pytest.mark.prowler, pytest.mark.timeout(900)]

STACK = "aws"
WHOLE = (
    "--scan-unused-services", "--service", "vpc", "ec2", "cloudwatch", "iam",
    # moto brings a thousand snapshots of its own; Shodan is asked over the Internet, and with a key.
    "--excluded-check", "ec2_ebs_snapshots_encrypted", "ec2_elastic_ip_shodan",
)  # fmt: skip

UNANSWERED = {
    "iam_service.py:973": "moto has no GenerateServiceLastAccessedDetails",
    "iam_service.py:1109": "moto has no ListOrganizationsFeatures",
    "ec2_service.py:566": "moto has no GetSnapshotBlockPublicAccessState",
    "ec2_service.py:581": "moto has no GetImageBlockPublicAccessState",
    "ec2_service.py:601": "moto has no GetInstanceMetadataDefaults",
    "ec2_service.py:728": "moto has no DescribeClientVpnEndpoints",
    "ssm_service.py:147": "moto has no ListResourceComplianceSummaries; the stack has no machine",
    "ssm_service.py:174": "moto has no DescribeInstanceInformation; the stack has no machine",
    "privilege_escalation.py:513": "prowler names an action of CodeStar, a service that AWS has closed",
}
"""Where prowler may fail, and why: nothing is known of what it would have said there."""

MISTAKES = {
    "ec2_networkacl_allow_ingress_tcp_port_22": "network-acl/acls-database",
    "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389": "security-group/groups-database",
    "ec2_securitygroup_default_restrict_traffic": "security-group/DEFAULT-GROUP",
    "vpc_flow_logs_enabled": "vpc/VPC",
    "vpc_subnet_no_public_ip_by_default": "subnet/",
}
"""Checks, and what each has to fail on once the account was opened by hand."""


@pytest.fixture(scope="module")
def account(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Client]]:
    """Endpoint of an account with the stack deployed, and its EC2."""
    base = tmp_path_factory.mktemp("project")
    said = {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox",
        LOG_VARIABLE: str(base / "requests.jsonl"),
    }  # fmt: skip
    project = lay_out(ensure(), base)
    project = replace(project, environment={**project.environment, **said})
    for argv in (("stack", "init", STACK), ("up", "--yes", "--skip-preview", "--stack", STACK)):
        process = project.start(*argv)
        text, _ = process.communicate(timeout=300)
        assert process.returncode == 0, text
    with pytest.MonkeyPatch.context() as patch:
        for name, value in said.items():
            patch.setenv(name, value)
        yield server, boto3.client("ec2", region_name=REGION)


@pytest.fixture(scope="module")
def scanned(account: tuple[str, Client]) -> prowler.Scan:
    return prowler.scan(account[0], REGION, WHOLE)


@pytest.fixture(scope="module")
def names(account: tuple[str, Client]) -> dict[str, str]:
    """A lasting name for what the account has given an id."""
    return _names(account[1])


@pytest.fixture(scope="module")
def found(scanned: prowler.Scan, names: dict[str, str]) -> Verdict:
    return account_verdict(scanned.report, names)


@pytest.fixture(scope="module")
def mistaken(account: tuple[str, Client], found: Verdict, names: dict[str, str]) -> Verdict:
    """The verdict once the account was opened by hand, in five places."""
    del found  # first the account as it was deployed
    _open(account[1], {name: known for known, name in names.items()})
    return account_verdict(
        prowler.scan(account[0], REGION, ("--scan-unused-services", "--check", *MISTAKES)).report, names
    )


def test_nothing_is_found_but_what_is_waived(found: Verdict) -> None:
    print(f"prowler: {len(found.passed)} passed, {len(found.failed)} failed")
    assert judge([found], read_waivers(ACCOUNT_FILE), datetime.now(UTC).date(), ACCOUNT_FILE) == []


def test_what_prowler_could_not_ask_is_known(scanned: prowler.Scan) -> None:
    """A check that could not ask says nothing; that is no success."""
    places = {place for place, _ in scanned.errors}
    assert [one for one in scanned.errors if one[0] not in UNANSWERED] == []
    assert places == UNANSWERED.keys(), "what is answered by now needs no excuse"


@pytest.mark.parametrize("check", MISTAKES)
def test_a_mistake_in_the_account_is_found_by_its_check(found: Verdict, mistaken: Verdict, check: str) -> None:
    fresh = [one.resource for one in mistaken.failed.keys() - found.failed.keys() if one.check == check]
    assert len(fresh) == 1
    assert MISTAKES[check] in fresh[0]
    assert any(one.check == check for one in found.passed), "it was looked at before, and in order"


def test_a_waiver_that_is_not_needed_or_over_fails_the_gate(found: Verdict) -> None:
    waivers = read_waivers(ACCOUNT_FILE)
    right = next(one for one in found.passed if one.check == "vpc_flow_logs_enabled")
    unneeded = waivers[0].model_copy(update={"check": right.check, "resources": (right.resource,)})
    assert judge([found], [*waivers, unneeded], date(2026, 12, 1), ACCOUNT_FILE) == [
        f"waiver for {right.check} on {right.resource}: the check does not fail there; remove it"
    ]
    assert any("expired on" in line for line in judge([found], waivers, date(2028, 1, 1), ACCOUNT_FILE))


def _open(ec2: Client, ids: dict[str, str]) -> None:
    ec2.create_network_acl_entry(
        NetworkAclId=ids["acls-database"], RuleNumber=1, Egress=False, Protocol="6", RuleAction="allow",
        CidrBlock="0.0.0.0/0", PortRange={"From": 22, "To": 22},
    )  # fmt: skip
    for group, port in (("groups-database", 3389), ("DEFAULT-GROUP", 443)):
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=ids[group], IpPermissions=[permission])
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [ids["VPC"]]}])["Subnets"]
    ec2.modify_subnet_attribute(SubnetId=subnets[0]["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    ec2.delete_flow_logs(FlowLogIds=[one["FlowLogId"] for one in ec2.describe_flow_logs()["FlowLogs"]])


def _names(ec2: Client) -> dict[str, str]:
    vpcs = {one["VpcId"]: "DEFAULT-VPC" if one["IsDefault"] else "VPC" for one in ec2.describe_vpcs()["Vpcs"]}
    found = dict(vpcs)
    for one in ec2.describe_network_acls()["NetworkAcls"]:
        default = "ACL-OF-DEFAULT-VPC" if vpcs[one["VpcId"]] == "DEFAULT-VPC" else "DEFAULT-ACL"
        found[one["NetworkAclId"]] = default if one["IsDefault"] else _tag(one)
    for one in ec2.describe_security_groups()["SecurityGroups"]:
        default = "GROUP-OF-DEFAULT-VPC" if vpcs[one["VpcId"]] == "DEFAULT-VPC" else "DEFAULT-GROUP"
        found[one["GroupId"]] = default if one["GroupName"] == "default" else _tag(one)
    for one in ec2.describe_subnets()["Subnets"]:
        found[one["SubnetId"]] = "SUBNET-OF-DEFAULT-VPC" if vpcs[one["VpcId"]] == "DEFAULT-VPC" else _tag(one)
    return found


def _tag(described: Client) -> str:
    return next(tag["Value"] for tag in described["Tags"] if tag["Key"] == "Name")
