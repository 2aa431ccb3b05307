"""A small network of the tests' own on AWS, through the real model, plan, lock and renderers."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.aws.stack import build_aws
from tests.components.engine import RecordingEngine, Registered, run
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import record, require_recorded
from twinvpc.model.aws import AwsStack
from twinvpc.model.load import Intent, load
from twinvpc.model.source import Source

Raw = dict[str, Any]
ZONES = ("ap-northeast-1a", "ap-northeast-1c")


def network(*, segments: Raw | None = None, flows: list[Raw] | None = None) -> Raw:
    return {
        "domain": "lab.local",
        "cidr": "10.0.0.0/16",
        "segments": segments or {"alone": {}, "web": {"internet": True}, "app": {"internet": True}, "data": {}},
        "flows": [
            {"from": "web", "to": "app", "services": ["tcp/8080", "icmp"]},
            {"from": "app", "to": "data", "services": "any"},
        ]
        if flows is None
        else flows,
    }


def stack(**more: Any) -> Raw:  # noqa: ANN401 - raw YAML
    return {
        "kind": "aws", "aws_region": "ap-northeast-1", "environment": "test", "vpc_cidr": "10.0.0.0/16",
        "zones": list(ZONES), "egress": {"web": "gateway"}, **more,
    }  # fmt: skip


EVERYTHING = stack(egress={"web": "gateway", "app": "nat", "data": "endpoints"}, nat="per_zone")
OPEN = network(
    segments={"alone": {}, "web": {"internet": True}, "app": {"internet": True}, "data": {"internet": ["tcp/443"]}}
)
"""A network in which each way out is used."""


def intent(own: Raw | None = None, net: Raw | None = None) -> Intent:
    return load(Source("network.yaml", net or network()), Source("Pulumi.aws.yaml", own or stack()), "aws")


def recorded(wanted: Intent, before: Lock | None = None) -> Lock:
    return record(wanted, before or Lock())


def build(
    own: Raw | None = None, net: Raw | None = None, *, lock: Lock | None = None, preview: bool = False
) -> RecordingEngine:
    """Build a stack from what the lock holds; the lock is written first unless one is given."""
    wanted = intent(own, net)
    lock = lock or recorded(wanted)

    def program() -> None:
        assert isinstance(wanted.stack, AwsStack)
        for name, value in build_aws(wanted, wanted.stack, require_recorded(wanted, lock)).items():
            pulumi.export(name, value)

    return run(program, stack="aws", preview=preview)


def by_urn(made: RecordingEngine) -> Mapping[str, Registered]:
    return {one.urn: one for one in made.resources}
