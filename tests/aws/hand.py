"""`python -m tests.aws.hand open|close|blocks|make-vpc`: somebody's hand in the account, past Pulumi.

`open` lets containers open tcp/5432 of databases, by a rule in both groups and an entry ahead of all in both ACLs.
"""

import sys
from collections.abc import Callable
from typing import Any

import boto3

from sandbox.aws import lifecycle
from sandbox.aws.standin.account import Client
from sandbox.command import run
from sandbox.dell.site import Site
from sandbox.paths import ROOT
from tests.aws.driver import REGION

Call = Callable[..., object]

SOURCE, DESTINATION, PORT = "container", "database", 5432
FIRST = 1
"""Number of an entry that is asked before every other."""


def by_hand(site: Site, what: str) -> str:
    """Run this program on a sandbox's laptop; return what it printed."""
    into = ("nsenter", f"--net={site.netns_path('laptop')}")
    words = (*into, sys.executable, "-m", "tests.aws.hand", what)
    return run(*words, cwd=ROOT, env=dict(lifecycle.environment(site)), timeout=60)


def open_cell(ec2: Client) -> None:
    _rules(ec2.authorize_security_group_egress, ec2.authorize_security_group_ingress, ec2)
    for acl, egress in _lists(ec2):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=FIRST, Egress=egress, Protocol="-1", RuleAction="allow", CidrBlock="0.0.0.0/0"
        )


def close_cell(ec2: Client) -> None:
    _rules(ec2.revoke_security_group_egress, ec2.revoke_security_group_ingress, ec2)
    for acl, egress in _lists(ec2):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=FIRST, Egress=egress)


def _rules(leave: Call, enter: Call, ec2: Client) -> None:
    source, destination = (_group(ec2, name) for name in (SOURCE, DESTINATION))
    for call, group, peer in ((leave, source, destination), (enter, destination, source)):
        permission = {"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "UserIdGroupPairs": [{"GroupId": peer}]}
        call(GroupId=group, IpPermissions=[permission])


def _lists(ec2: Client) -> list[tuple[str, bool]]:
    wanted = {f"acls-{name}" for name in (SOURCE, DESTINATION)}
    acls = [one["NetworkAclId"] for one in ec2.describe_network_acls()["NetworkAcls"] if _name(one) in wanted]
    assert len(acls) == len(wanted), "the hand must hit something"
    return [(acl, egress) for acl in acls for egress in (False, True)]


def _group(ec2: Client, segment: str) -> str:
    groups = ec2.describe_security_groups()["SecurityGroups"]
    (found,) = (one["GroupId"] for one in groups if _name(one) == f"groups-{segment}")
    return found


def _name(described: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in described.get("Tags", []) if tag["Key"] == "Name"), "")


def blocks(ec2: Client) -> None:
    print(*(one["CidrBlock"] for one in ec2.describe_vpcs()["Vpcs"]))


def make_vpc(ec2: Client) -> None:
    ec2.create_vpc(CidrBlock="10.77.0.0/16")


if __name__ == "__main__":
    does = {"open": open_cell, "close": close_cell, "blocks": blocks, "make-vpc": make_vpc}
    does[sys.argv[1]](boto3.client("ec2", region_name=REGION))
