"""Properties of an exported AWS stack, each turned into a mistake that one check of checkov's is there for."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

Body: TypeAlias = Any
"""A resource's body in Terraform JSON."""

ANYWHERE = "0.0.0.0/0"


def flipped(document: Body, kind: str, change: Callable[[Body], None]) -> Body:
    """A copy with the first resource of a type changed."""
    copy = deepcopy(document)
    change(next(iter(copy["resource"][kind].values())))
    return copy


def _entry(port: int) -> Callable[[Body], None]:
    """The first entry of an ACL lets everybody in to one port."""

    def change(body: Body) -> None:
        body["ingress"][0] |= {
            "action": "allow", "cidr_block": ANYWHERE, "from_port": port, "to_port": port, "protocol": "tcp",
            "rule_no": 1,
        }  # fmt: skip

    return change


def _opened(port: int) -> Callable[[Body], None]:
    """A rule of a group lets everybody in to one port."""

    def change(body: Body) -> None:
        body.pop("referenced_security_group_id", None)
        body |= {"cidr_ipv4": ANYWHERE, "from_port": port, "to_port": port, "ip_protocol": "tcp"}

    return change


def _trust_everybody(body: Body) -> None:
    policy = json.loads(body["assume_role_policy"])
    policy["Statement"][0]["Principal"] = {"AWS": "*"}
    body["assume_role_policy"] = json.dumps(policy)


FLIPS: Mapping[str, tuple[str, str, Callable[[Body], None]]] = {
    "public-addresses": ("CKV_AWS_130", "aws_subnet", lambda body: body.update(map_public_ip_on_launch=True)),
    "unlogged": ("CKV2_AWS_11", "aws_flow_log", lambda body: body.update(vpc_id="vpc-1")),
    "default-group": (
        "CKV2_AWS_12",
        "aws_default_security_group",
        lambda body: body.update(ingress=[{"protocol": "-1", "self": True, "from_port": 0, "to_port": 0}]),
    ),
    "loose-acl": ("CKV2_AWS_1", "aws_network_acl", lambda body: body.update(subnet_ids=[])),
    "acl-ssh": ("CKV_AWS_232", "aws_network_acl", _entry(22)),
    "acl-rdp": ("CKV_AWS_231", "aws_network_acl", _entry(3389)),
    "acl-ftp": ("CKV_AWS_229", "aws_network_acl", _entry(21)),
    "group-ssh": ("CKV_AWS_24", "aws_vpc_security_group_ingress_rule", _opened(22)),
    "group-rdp": ("CKV_AWS_25", "aws_vpc_security_group_ingress_rule", _opened(3389)),
    "undescribed": ("CKV_AWS_23", "aws_vpc_security_group_ingress_rule", lambda body: body.pop("description")),
    "for-ever": ("CKV_AWS_66", "aws_cloudwatch_log_group", lambda body: body.pop("retention_in_days")),
    "trust": ("CKV_AWS_60", "aws_iam_role", _trust_everybody),
    "loose-address": ("CKV2_AWS_19", "aws_nat_gateway", lambda body: body.update(allocation_id="eipalloc-1")),
}
"""By name: the check, the type of the resource, and the mistake."""
