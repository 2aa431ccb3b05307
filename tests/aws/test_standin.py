"""Every type of the stand-in against a real (simulated) account: made, read, changed, found changed, taken away."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

from sandbox.aws.standin.account import Client
from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.provider import BY_TOKEN
from tests.aws.driver import REGION, Driver, State

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
TABLE, ROUTE = "aws:ec2/routeTable:RouteTable", "aws:ec2/route:Route"
LINK, GATEWAY = "aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/internetGateway:InternetGateway"
GROUP, ACL = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/networkAcl:NetworkAcl"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EIP, NAT, ENDPOINT = "aws:ec2/eip:Eip", "aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint"
LOGS, FLOWS = "aws:cloudwatch/logGroup:LogGroup", "aws:ec2/flowLog:FlowLog"
ROLE, POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}}
        ],
    }
)
ENTRY = {
    "ruleNo": 100,
    "action": "allow",
    "protocol": "tcp",
    "fromPort": 443,
    "toPort": 443,
    "cidrBlock": "10.0.1.0/24",
}


@dataclass
class Ground:
    """What most types stand on: a VPC with a subnet."""

    driver: Driver
    vpc: str = ""
    subnet: str = ""
    state: State = field(default_factory=dict[str, Any])


@pytest.fixture
def ground(driver: Driver) -> Ground:
    vpc, state = driver.create(VPC, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True})
    subnet, _ = driver.create(SUBNET, subnet_of(vpc))
    return Ground(driver, vpc, subnet, state)


def subnet_of(vpc: str, number: int = 1) -> State:
    block = f"10.0.{number}.0/24"
    return {"vpcId": vpc, "cidrBlock": block, "availabilityZone": f"{REGION}a", "mapPublicIpOnLaunch": False}


def made(ground: Ground, token: str) -> State:
    """Inputs of a resource of each type, with what it stands on made first."""
    return _standing(ground).get(token) or _on_others(ground, token)


def _on_others(ground: Ground, token: str) -> State:
    driver, vpc, inputs = ground.driver, ground.vpc, State()
    if token in (ROUTE, LINK):
        table, _ = driver.create(TABLE, {"vpcId": vpc})
        inputs = {"routeTableId": table, "subnetId": ground.subnet}
    if token == ROUTE:
        gateway, _ = driver.create(GATEWAY, {"vpcId": vpc})
        inputs = {"routeTableId": inputs["routeTableId"], "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway}
    if token in (INGRESS, EGRESS):
        group, _ = driver.create(GROUP, {"vpcId": vpc, "name": "a", "description": "a"})
        ports = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
        inputs = {"securityGroupId": group, "referencedSecurityGroupId": group, "description": "web", **ports}
    if token == NAT:
        inputs = {"subnetId": ground.subnet, "allocationId": driver.create(EIP, {"domain": "vpc"})[0]}
    if token == POLICY:
        role, _ = driver.create(ROLE, {"name": "writer", "assumeRolePolicy": TRUST})
        inputs = {"role": role, "name": "own", "policy": DOCUMENT}
    if token == FLOWS:
        _, role = driver.create(ROLE, {"name": "flows", "assumeRolePolicy": TRUST})
        _, logs = driver.create(LOGS, {"name": "/twin/flows", "retentionInDays": 30})
        inputs = {
            "vpcId": vpc, "trafficType": "ALL", "logDestinationType": "cloud-watch-logs", "logDestination": logs["arn"],
            "iamRoleArn": role["arn"], "maxAggregationInterval": 60,
        }  # fmt: skip
    return inputs


def _standing(ground: Ground) -> dict[str, State]:
    vpc = ground.vpc
    return {
        VPC: {"cidrBlock": "10.1.0.0/16", "enableDnsSupport": True, "enableDnsHostnames": True},
        SUBNET: subnet_of(vpc, 2),
        GATEWAY: {"vpcId": vpc},
        TABLE: {"vpcId": vpc},
        "aws:ec2/defaultRouteTable:DefaultRouteTable": {
            "defaultRouteTableId": ground.state["defaultRouteTableId"], "routes": [],
        },
        GROUP: {"vpcId": vpc, "name": "web", "description": "the web"},
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {"vpcId": vpc, "ingress": [], "egress": []},
        ACL: {"vpcId": vpc, "ingress": [ENTRY], "egress": [{**ENTRY, "action": "deny"}], "subnetIds": [ground.subnet]},
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": {
            "defaultNetworkAclId": ground.state["defaultNetworkAclId"], "ingress": [], "egress": [],
        },
        EIP: {"domain": "vpc"},
        ENDPOINT: {
            "vpcId": vpc, "serviceName": f"com.amazonaws.{REGION}.logs", "vpcEndpointType": "Interface",
            "subnetIds": [ground.subnet], "privateDnsEnabled": True, "policy": DOCUMENT,
        },
        LOGS: {"name": "/twin/logs", "retentionInDays": 30},
        ROLE: {"name": "flows", "description": "writes", "assumeRolePolicy": TRUST},
    }  # fmt: skip


@pytest.mark.parametrize("token", sorted(BY_TOKEN))
def test_what_is_made_is_read_back_as_it_was_asked_for(ground: Ground, token: str) -> None:
    inputs = made(ground, token) | ({"tags": {"Name": "it"}} if "tags" in BY_TOKEN[token].taken else {})
    identity, state = ground.driver.create(token, inputs)
    for name, value in inputs.items():
        found = state[name]
        same = json.loads(found) == json.loads(value) if name in ("policy", "assumeRolePolicy") else found == value
        if name in ("ingress", "egress"):
            same = [{k: v for k, v in entry.items() if not k.startswith("icmp")} for entry in found] == value
        assert same, f"{name}: {found} instead of {value}"
    if "tags" in inputs:
        assert state["tagsAll"] == {"Name": "it", "environment": "test"}
    again = ground.driver.read(token, identity, state)
    assert again == state, "a refresh on a quiet account changes nothing"
    assert not ground.driver.diff(token, identity, state, inputs).changes, "and neither does a second run"


@pytest.mark.parametrize("token", sorted(BY_TOKEN))
def test_what_is_taken_away_is_gone_and_gone_twice_is_no_error(ground: Ground, token: str) -> None:
    identity, state = ground.driver.create(token, made(ground, token))
    ground.driver.delete(token, identity, state)
    if "default" in token.partition("/")[2]:
        return  # the VPC's own things go with it
    assert ground.driver.read(token, identity, state) is None
    ground.driver.delete(token, identity, state)


@pytest.mark.parametrize("token", sorted(token for token, kind in BY_TOKEN.items() if "tags" in kind.taken))
def test_another_tag_is_a_change_in_place(ground: Ground, token: str) -> None:
    inputs = made(ground, token)
    identity, state = ground.driver.create(token, {**inputs, "tags": {"Name": "old", "gone": "x"}})
    wanted = {**inputs, "tags": {"Name": "new"}}
    planned = ground.driver.diff(token, identity, state, wanted)
    assert (planned.diffs, planned.replaces) == (["tags"], [])
    assert ground.driver.update(token, identity, state, wanted)["tagsAll"] == {"Name": "new", "environment": "test"}


FIXED = [(token, name) for token, kind in sorted(BY_TOKEN.items()) for name in sorted(kind.fixed)]


@pytest.mark.parametrize(("token", "name"), FIXED)
def test_what_aws_cannot_change_replaces(ground: Ground, token: str, name: str) -> None:
    inputs = {"connectivityType": "public", "logFormat": "${srcaddr}", "path": "/", **made(ground, token)}
    inputs = {key: value for key, value in inputs.items() if key in BY_TOKEN[token].taken}
    identity, state = ground.driver.create(token, inputs)
    other = 600 if isinstance(inputs[name], int) else f"{inputs[name]}x"
    assert ground.driver.diff(token, identity, state, {**inputs, name: other}).replaces == [name]


def test_a_rule_changed_by_hand_shows_and_an_update_puts_it_right(ground: Ground, account: Client) -> None:
    inputs = made(ground, INGRESS)
    identity, state = ground.driver.create(INGRESS, inputs)
    account.modify_security_group_rules(
        GroupId=inputs["securityGroupId"],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": identity,
                "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 65535, "CidrIpv4": "0.0.0.0/0"},
            }
        ],
    )
    seen = ground.driver.read(INGRESS, identity, state)
    assert seen is not None
    assert (seen["fromPort"], seen["toPort"], seen["cidrIpv4"]) == (1, 65535, "0.0.0.0/0")
    assert ground.driver.diff(INGRESS, identity, seen, inputs).changes


def test_an_entry_of_an_acl_changed_by_hand_shows_and_an_update_puts_it_right(ground: Ground, account: Client) -> None:
    inputs = made(ground, ACL)
    identity, state = ground.driver.create(ACL, inputs)
    account.replace_network_acl_entry(
        NetworkAclId=identity, RuleNumber=100, Egress=False, Protocol="-1", RuleAction="allow", CidrBlock="0.0.0.0/0"
    )
    seen = ground.driver.read(ACL, identity, state)
    assert seen is not None
    assert ground.driver.diff(ACL, identity, seen, inputs).diffs == ["ingress"]
    assert ground.driver.update(ACL, identity, seen, inputs) == state


def test_a_subnet_leaves_an_acl_for_the_vpcs_own(ground: Ground) -> None:
    inputs = made(ground, ACL)
    identity, state = ground.driver.create(ACL, inputs)
    without = ground.driver.update(ACL, identity, state, {**inputs, "subnetIds": []})
    assert without["subnetIds"] == []


def test_a_new_group_opens_nothing(ground: Ground, account: Client) -> None:
    """AWS lets it open everything; whoever does not take that away has a hole that no rule shows."""
    identity, _ = ground.driver.create(GROUP, made(ground, GROUP))
    (found,) = account.describe_security_groups(GroupIds=[identity])["SecurityGroups"]
    assert (found["IpPermissions"], found["IpPermissionsEgress"]) == ([], [])


def test_requests_are_recorded_whatever_the_account_makes_of_them(ground: Ground) -> None:
    """What the simulated account forgets is still known from what it was asked."""
    ground.driver.create(FLOWS, made(ground, FLOWS))
    (asked,) = ground.driver.requests("CreateFlowLogs")
    assert asked["MaxAggregationInterval"] == 60
    assert asked["TagSpecifications"][0]["Tags"] == [{"Key": "environment", "Value": "test"}]


WRONG = {
    "an input nobody has": (VPC, {"cidrBlok": "10.0.0.0/16"}, "cidrBlok", "no such input"),
    "a text for a truth value": (VPC, {"enableDnsSupport": "yes"}, "enableDnsSupport", "is no bool"),
    "a number for a text": (SUBNET, {"vpcId": 5}, "vpcId", "is no str"),
    "a missing one": (SUBNET, {"cidrBlock": "10.0.0.0/24"}, "vpcId", "required"),
    "a wrong one inside": (
        ACL,
        {"vpcId": "v", "ingress": [{**ENTRY, "cidr": "x"}]},
        "ingress[0].cidr",
        "no such input",
    ),
    "a missing one inside": (ACL, {"vpcId": "v", "ingress": [{"ruleNo": 1}]}, "ingress[0].action", "required"),
    "half a number": (ACL, {"vpcId": "v", "egress": [{**ENTRY, "ruleNo": 1.5}]}, "egress[0].ruleNo", "is no int"),
    "a text for a list": (ACL, {"vpcId": "v", "subnetIds": "subnet-1"}, "subnetIds", "is no list"),
    "a list for a map": (VPC, {"tags": ["a"]}, "tags", "is no map"),
    "a number as a tag": (VPC, {"tags": {"a": 1}}, "tags.a", "is no str"),
    "one that is not implemented": (VPC, {"ipv6CidrBlock": "::/56"}, "ipv6CidrBlock", "does not implement"),
    "inline rules": (GROUP, {"vpcId": "v", "ingress": []}, "ingress", "does not implement"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_typed_classes_do_not_have_is_refused_by_name(driver: Driver, case: str) -> None:
    token, inputs, name, reason = WRONG[case]
    told = driver.faults(token, inputs)
    assert reason in told[name]


def test_sound_inputs_are_not_refused(ground: Ground) -> None:
    """The control of the refusals above."""
    inputs = made(ground, ACL)
    assert ground.driver.faults(ACL, inputs) == {}
    assert ground.driver.faults(VPC, made(ground, VPC)) == {}


@pytest.mark.parametrize("token", ["aws:ec2/instance:Instance", "aws:ec2/nonsense:Nonsense", "random:index:Id"])
def test_a_type_that_is_not_implemented_is_refused(driver: Driver, token: str) -> None:
    with pytest.raises(StandinError, match=f"does not implement {token}"):
        driver.check(token, {})


def test_what_the_account_refuses_is_told_in_one_line(ground: Ground) -> None:
    with pytest.raises(StandinError, match=r"InvalidSubnet\.Conflict") as told:
        ground.driver.create(SUBNET, subnet_of(ground.vpc))
    assert "\n" not in str(told.value)


def test_a_name_is_made_up_once_and_kept(ground: Ground) -> None:
    inputs = {"vpcId": ground.vpc, "description": "x"}
    first = ground.driver.check(GROUP, inputs, "web")
    assert first.inputs is not None
    assert first.inputs["name"].value == "web-0001020"
    later = ground.driver.check(GROUP, inputs, "web", old={"name": "web-older"})
    assert later.inputs is not None
    assert later.inputs["name"].value == "web-older"


def test_nothing_is_looked_up(driver: Driver) -> None:
    with pytest.raises(StandinError, match="looks something up"):
        driver._wait(driver.provider.invoke(sdk.InvokeRequest("aws:index/getCallerIdentity:getCallerIdentity", {})))


@pytest.mark.parametrize("place", ["", "https://ec2.ap-northeast-1.amazonaws.com", "http://192.0.2.1:5000"])
def test_no_other_account_is_ever_spoken_to(driver: Driver, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", place)
    with pytest.raises(StandinError, match="names no account on this machine"):
        Driver({}, driver.log).create(VPC, {"cidrBlock": "10.0.0.0/16"})
