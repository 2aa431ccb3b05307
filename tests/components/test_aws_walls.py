"""Groups, ACLs, endpoints and flow logs as they reach AWS."""

import json
from typing import Any

import pulumi
import pytest

from components.aws.policies import Where, endpoint_policy
from tests.components.aws_site import EVERYTHING, OPEN, build, network, stack
from tests.components.engine import (
    ACCOUNT,
    ACL,
    EGRESS_RULE,
    ENDPOINT,
    FLOW_LOG,
    GROUP,
    INGRESS_RULE,
    LOG_GROUP,
    ROLE,
    ROLE_POLICY,
    RecordingEngine,
    Registered,
    run,
)


@pytest.fixture(scope="module")
def made() -> RecordingEngine:
    return build(EVERYTHING, OPEN)


def all_rules(made: RecordingEngine) -> list[Registered]:
    return [*made.of(INGRESS_RULE).values(), *made.of(EGRESS_RULE).values()]


def policy(text: str) -> list[dict[str, Any]]:
    return json.loads(text)["Statement"]


def test_groups_have_no_rules_of_their_own_and_keep_name_and_description(made: RecordingEngine) -> None:
    for name, one in made.of(GROUP).items():
        assert not {"ingress", "egress"} & one.inputs.keys(), "two sources would fight"
        assert one.inputs["description"]
        assert one.inputs["name"] == name.replace("groups", "twin-vpc")
        assert set(one.ignore_changes) == {"name", "description"}


def test_a_rule_names_a_group_and_both_ends_say_the_same(made: RecordingEngine) -> None:
    into, out = made.of(INGRESS_RULE), made.of(EGRESS_RULE)
    assert into["groups-app--from--web--tcp-8080"].inputs == {
        "securityGroupId": "groups-app-id", "referencedSecurityGroupId": "groups-web-id", "ipProtocol": "tcp",
        "fromPort": 8080, "toPort": 8080, "description": "web may open tcp/8080 to app",
    }  # fmt: skip
    assert out["groups-web--to--app--tcp-8080"].inputs == {
        "securityGroupId": "groups-web-id", "referencedSecurityGroupId": "groups-app-id", "ipProtocol": "tcp",
        "fromPort": 8080, "toPort": 8080, "description": "web may open tcp/8080 to app",
    }  # fmt: skip
    everything = out["groups-app--to--data--any"].inputs
    assert everything["ipProtocol"] == "-1"
    assert not {"fromPort", "toPort"} & everything.keys(), "AWS takes no ports with every protocol"
    icmp = out["groups-web--to--app--icmp"].inputs
    assert (icmp["ipProtocol"], icmp["fromPort"], icmp["toPort"]) == ("icmp", -1, -1)


def test_no_rule_of_all_protocols_leads_to_everywhere_and_none_comes_from_there(made: RecordingEngine) -> None:
    wide = [one.inputs for one in all_rules(made) if one.inputs.get("cidrIpv4") == "0.0.0.0/0"]
    assert {one["ipProtocol"] for one in wide} == {"tcp", "udp", "icmp"}
    assert not [one for one in made.of(INGRESS_RULE).values() if "cidrIpv4" in one.inputs]


def test_every_rule_is_described_in_letters_that_aws_takes(made: RecordingEngine) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. _-:/()#,@[]+=&;{}!$*")
    for one in [*all_rules(made), *made.of(GROUP).values()]:
        said = one.inputs["description"]
        assert said
        assert set(said) <= allowed
        assert len(said) <= 255


def test_s3_is_named_by_awss_own_list(made: RecordingEngine) -> None:
    (rule,) = (one for one in all_rules(made) if "prefixListId" in one.inputs)
    assert (rule.name, rule.inputs["prefixListId"]) == ("groups-data--to--aws-services--s3--tcp-443", "pl-s3")
    assert rule.inputs["securityGroupId"] == "groups-data-id"


def test_entries_speak_in_numbers_of_protocols(made: RecordingEngine) -> None:
    entries = [e for one in made.of(ACL).values() for way in ("ingress", "egress") for e in one.inputs[way]]
    assert {entry["protocol"] for entry in entries} == {"-1", "1", "6", "17"}, "what AWS gives back on a refresh"
    for entry in entries:
        with_types = {"icmpType", "icmpCode"} <= entry.keys()
        assert with_types == (entry["protocol"] == "1"), "AWS takes types with ICMP alone"
        if entry["protocol"] in {"-1", "1"}:
            assert (entry["fromPort"], entry["toPort"]) == (0, 0)


def test_no_entry_opens_a_port_of_administrators_to_everywhere(made: RecordingEngine) -> None:
    for one in made.of(ACL).values():
        for entry in one.inputs["ingress"]:
            if entry["cidrBlock"] == "0.0.0.0/0" and entry["action"] == "allow":
                assert entry["protocol"] != "-1"
                assert not [port for port in (20, 21, 22, 3389) if entry["fromPort"] <= port <= entry["toPort"]]


def test_endpoints_stand_in_subnets_of_their_own_with_their_names_and_group(made: RecordingEngine) -> None:
    inside = {name: one.inputs for name, one in made.of(ENDPOINT).items() if one.inputs["vpcEndpointType"] != "Gateway"}
    assert set(inside) == {"endpoints-ecr-api", "endpoints-ecr-dkr", "endpoints-logs", "endpoints-secretsmanager"}
    for one in inside.values():
        assert one["privateDnsEnabled"] is True
        assert one["securityGroupIds"] == ["groups-endpoints-id"]
        assert one["subnetIds"] == [f"vpc-endpoints-ap-northeast-1{zone}-id" for zone in "ac"]


def test_an_endpoint_grants_what_a_task_needs_to_this_account_alone(made: RecordingEngine) -> None:
    granted: dict[str, set[str]] = {}
    for name, one in made.of(ENDPOINT).items():
        for statement in policy(one.inputs["policy"]) if name != "routing-s3" else ():
            assert statement["Effect"] == "Allow"
            assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
            assert ACCOUNT in statement["Resource"] or statement["Action"] == ["ecr:GetAuthorizationToken"]
            granted.setdefault(name, set()).update(statement["Action"])
    pull = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    assert granted == {
        "endpoints-ecr-api": {"ecr:GetAuthorizationToken", *pull},
        "endpoints-ecr-dkr": {"ecr:GetAuthorizationToken", *pull},
        "endpoints-logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "endpoints-secretsmanager": {"secretsmanager:GetSecretValue"},
    }


def test_the_way_to_s3_grants_layers_of_images_alone(made: RecordingEngine) -> None:
    assert policy(made.of(ENDPOINT)["routing-s3"].inputs["policy"]) == [
        {
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::prod-ap-northeast-1-starport-layer-bucket/*",
        }
    ]  # fmt: skip


def test_a_service_of_which_nothing_is_known_is_refused() -> None:
    def program() -> None:
        with pytest.raises(ValueError, match="nothing is known that a task needs of sqs"):
            endpoint_policy("sqs", Where("ap-northeast-1", pulumi.Output.from_input(ACCOUNT)))

    run(program)


def test_flow_logs_hold_every_flow_and_outlive_the_stack(made: RecordingEngine) -> None:
    (log,), (group,) = made.of(FLOW_LOG).values(), made.of(LOG_GROUP).values()
    assert (log.inputs["trafficType"], log.inputs["vpcId"]) == ("ALL", "vpc-id")
    assert log.inputs["logDestination"].endswith(f":log-group:{group.inputs['name']}")
    assert group.inputs["name"] == "/twin-vpc/aws/flow-logs/vpc-id", "the next VPC's is another one"
    assert group.inputs["retentionInDays"] == 30
    assert group.retain_on_delete
    assert not [one.name for one in made.resources if one.retain_on_delete and one is not group]
    (writing,) = made.of(ROLE_POLICY).values()
    assert writing.urn in log.dependencies, "a flow log that cannot write yet says so once and is forgotten"


def test_the_role_of_flow_logs_is_taken_for_this_account_alone_and_writes_into_that_group_alone(
    made: RecordingEngine,
) -> None:
    (role,), (writing,), (group,) = (made.of(token).values() for token in (ROLE, ROLE_POLICY, LOG_GROUP))
    (trust,) = policy(role.inputs["assumeRolePolicy"])
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:ap-northeast-1:{ACCOUNT}:vpc-flow-log/*"},
    }
    (statement,) = policy(writing.inputs["policy"])
    arn = f"arn:aws:logs:ap-northeast-1:{ACCOUNT}:log-group:{group.inputs['name']}"
    assert statement["Resource"] == [arn, f"{arn}:*"]


def test_what_the_owner_reads_is_exported_by_the_owners_names(made: RecordingEngine) -> None:
    exports = made.exports
    assert {"vpc_id", "security_group_id", "cloudwatch_log_group_name"} <= exports.keys()
    assert exports["vpc_id"] == "vpc-id"
    assert exports["security_group_id"] == "groups-web-id", "the segment with public addresses"
    assert exports["nat_addresses"] == dict.fromkeys(EVERYTHING["zones"], "203.0.113.7")
    assert exports["segments"]["data"] == {
        "security_group_id": "groups-data-id",
        "subnets": {
            "ap-northeast-1a": {"subnet_id": "vpc-data-ap-northeast-1a-id", "cidr": "10.0.4.0/24"},
            "ap-northeast-1c": {"subnet_id": "vpc-data-ap-northeast-1c-id", "cidr": "10.0.5.0/24"},
        },
    }
    assert "security_group_id" not in build(stack(egress={}), network()).exports, "no segment has public addresses"
