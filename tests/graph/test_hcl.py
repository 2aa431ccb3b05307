"""The document in native syntax says what the JSON says."""

import json
from pathlib import Path

import pytest

from graph.hcl import hcl
from tests.golden import check

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("name", ["small", "dell"])
def test_an_export_in_native_syntax(name: str) -> None:
    document = json.loads((GOLDEN / f"{name}.tf.json").read_text())
    check(GOLDEN / f"{name}.tf", hcl(document))


def test_objects_are_blocks_and_what_is_not_said_is_left_out() -> None:
    entry = {"action": "allow", "cidr_block": "10.0.0.0/8", "icmp_code": None, "rule_no": 1}
    document = {
        "terraform": {"required_version": ">= 1.4", "required_providers": {}},
        "resource": {"aws_network_acl": {"a": {"ingress": [entry, entry], "egress": [], "tags": {"a b": "${x"}}}},
    }
    block = '  ingress {\n    action = "allow"\n    cidr_block = "10.0.0.0/8"\n    rule_no = 1\n  }\n'
    assert hcl(document).endswith(
        f'resource "aws_network_acl" "a" {{\n{block}{block}  egress = []\n  tags = {{"a b" = "${{x"}}\n}}\n'
    )
