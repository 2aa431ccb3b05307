"""Stacks of the owner's five segments whose inner segments leave the VPC one way or another."""

from typing import Any

from tests.components.aws_site import intent
from twinvpc.model.aws import AwsStack
from twinvpc.model.load import Intent

WAYS = ("none", "endpoints", "nat_one", "nat_per_zone")
ZONES = ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")
INNER = ("container", "database", "management", "private")

Raw = dict[str, Any]


def network(**switches: object) -> Raw:
    """Five segments that may reach the Internet, but for those whose switch is given here."""
    segments = {name: {"internet": switches.get(name, True)} for name in ("public", *INNER)}
    return {"domain": "lab.local", "cidr": "10.0.0.0/16", "segments": segments, "flows": []}


def raw(way: str, zones: int) -> Raw:
    """A stack file in which `private` leaves this way, and the other inner segments by none."""
    own: Raw = {"public": "gateway", "private": way.partition("_")[0]}
    return {
        "kind": "aws", "aws_region": "ap-northeast-1", "environment": "test", "vpc_cidr": "10.0.0.0/16",
        "zones": list(ZONES[:zones]), "egress": own, "nat": "per_zone" if way == "nat_per_zone" else "one",
    }  # fmt: skip


def priced(way: str, count: int, net: Raw | None = None, **more: Any) -> Intent:  # noqa: ANN401 - raw YAML
    return intent(raw(way, count) | more, net or network())


def stack(way: str, count: int, **more: Any) -> AwsStack:  # noqa: ANN401 - raw YAML
    found = priced(way, count, **more).stack
    assert isinstance(found, AwsStack)
    return found
