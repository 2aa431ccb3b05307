"""A stack in Terraform's words: every name mapped, every reference resolved, and what cannot be said refused."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import pulumi
import pulumi_aws as aws
import pulumi_libvirt as libvirt
import pytest

from graph.errors import GraphError
from graph.monitor import Registered
from graph.record import Recording, record, record_program
from graph.terraform import ACKNOWLEDGED, Export, export, identifier, literal
from tests.components.engine import ROOT
from tests.golden import check
from tests.graph.small import OFFLINE, program
from tests.graph.stacks import STACKS, VARIANTS, variant, with_machines
from twinvpc.proof.aws.resources import Resource

Json: TypeAlias = Any
"""What can stand in a JSON file."""

GOLDEN = Path(__file__).with_name("golden")
REFERENCE = re.compile(r"(?<!\$)\$\{([^}]*)\}")
POOL = "libvirt:index/pool:Pool"


def exported(*made: object) -> Export:
    """The export of a program of one statement, or of a recording."""
    (given,) = made
    return export(given if isinstance(given, Recording) else record_program(lambda: given() and None, "test"))


@pytest.fixture(scope="module")
def small() -> Export:
    return export(record_program(program, "test"))


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Export:
    return export(with_machines(tmp_path_factory.mktemp("images")))


def texts(value: Json) -> Iterator[str]:
    """Every text of a document, keys apart."""
    if isinstance(value, dict):
        yield from chain.from_iterable(map(texts, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(texts, value))
    elif isinstance(value, str):
        yield value


def unresolved(document: Json) -> list[str]:
    """References and `depends_on` of a document that lead nowhere, names that no Terraform would take."""
    there = {f"{kind}.{name}" for kind, named in document["resource"].items() for name in named}
    there |= {f"var.{name}" for name in document.get("variable", {})}
    named = [found for text in texts(document) for found in REFERENCE.findall(text)]
    waited = [
        one for named in document["resource"].values() for body in named.values() for one in body.get("depends_on", [])
    ]
    lost = {one for one in named if ".".join(one.split(".")[:2]) not in there} | (set(waited) - there)
    return sorted(lost | {one for one in there if not re.fullmatch(r"[a-z_]+\.[A-Za-z_][\w-]*", one)})


@pytest.mark.parametrize("stack", STACKS)
def test_every_reference_of_a_stack_resolves(stack: str) -> None:
    made = export(record(ROOT, stack))
    assert unresolved(json.loads(made.text)) == []
    assert "ref:" not in made.text


@pytest.mark.parametrize("name", VARIANTS)
def test_every_reference_of_other_ways_out_resolves(name: str, tmp_path: Path) -> None:
    made = export(variant(name, tmp_path))
    assert unresolved(json.loads(made.text)) == []
    assert "ref:" not in made.text
    assert "offline" not in made.text, "dummy credentials stay behind"


def test_every_reference_of_machines_resolves(machines: Export) -> None:
    assert unresolved(machines.document) == []
    assert "ref:" not in machines.text


def test_a_lost_reference_is_noticed(small: Export) -> None:
    """Negative control."""
    broken = json.loads(small.text.replace('"aws_subnet": {', '"aws_subnett": {'))
    assert unresolved(broken) == ["aws_subnet.nat_ap_northeast_1a.id", "aws_subnet.web_ap_northeast_1a.id"]
    assert unresolved({"resource": {"a": {"1b": {"depends_on": ["a.c"]}}}}) == ["a.1b", "a.c"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_exported_whole(stack: str) -> None:
    """As many resources as the program registers, but for those that the export names as missing."""
    recording = record(ROOT, stack)
    made = export(recording)
    ours = [one for one in recording.resources if not one.token.startswith("pulumi:providers:")]
    written = {kind: len(named) for kind, named in made.document["resource"].items()}
    absent = [what for what, _ in made.missing if "provider" not in what]
    assert sum(written.values()) - written.get("terraform_data", 0) == len(ours) - len(absent)


@pytest.mark.parametrize("stack", STACKS)
def test_two_exports_are_the_same_bytes(stack: str) -> None:
    assert export(record(ROOT, stack)).text == export(record(ROOT, stack)).text


def test_every_type_of_an_aws_stack(small: Export) -> None:
    check(GOLDEN / "small.tf.json", small.text)


def test_the_dell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/owner")
    check(GOLDEN / "dell.tf.json", export(record(ROOT, "dell")).text)


def test_a_machine_has_all_its_parts(machines: Export) -> None:
    resources = machines.document["resource"]
    domain = resources["libvirt_domain"]["machine_web_1_domain"]
    assert domain["disk"] == [
        {"volume_id": "${libvirt_volume.machine_web_1_root.id}"},
        {"volume_id": "${libvirt_volume.machine_web_1_data.id}"},
    ]
    assert domain["network_interface"][0]["network_id"] == "${libvirt_network.vpc_public.id}"
    assert domain["cloudinit"] == "${libvirt_cloudinit_disk.machine_web_1_seed.id}"
    assert "<xsl:stylesheet" in domain["xml"][0]["xslt"]
    assert (
        "libvirt_volume.machine_web_1_data" in resources["libvirt_cloudinit_disk"]["machine_web_1_seed"]["depends_on"]
    )


def test_what_pulumi_never_deletes_terraform_does_not_destroy(machines: Export) -> None:
    data = machines.document["resource"]["libvirt_volume"]["machine_web_1_data"]
    assert data["lifecycle"] == {"prevent_destroy": True}
    assert machines.kept == ("libvirt_volume.machine_web_1_data",)


def test_what_terraform_can_leave_behind_is_left_behind() -> None:
    made = export(record(ROOT, "aws"))
    (logs,) = made.document["resource"]["aws_cloudwatch_log_group"].values()
    assert logs["skip_destroy"] is True
    assert "lifecycle" not in logs
    assert made.kept == ()


def test_changes_that_pulumi_ignores_are_ignored(machines: Export) -> None:
    volumes = machines.document["resource"]["libvirt_volume"].items()
    (base,) = [body for name, body in volumes if name.startswith("images_")]
    assert base["lifecycle"] == {"ignore_changes": ["source"]}


def test_waiting_that_no_value_says_is_written_down(small: Export) -> None:
    nat = small.document["resource"]["aws_nat_gateway"]["nat"]
    assert nat["depends_on"] == ["aws_internet_gateway.gateway"], "what a value says already is not repeated"


def test_a_value_known_beforehand_still_waits_for_its_resource() -> None:
    def pools() -> None:
        pool = libvirt.Pool("pool", name="ssd", type="dir")
        libvirt.Volume("volume", name="v", pool=pool.name)

    (volume,) = exported(pools).document["resource"]["libvirt_volume"].values()
    assert volume == {"name": "v", "pool": "ssd", "depends_on": ["libvirt_pool.pool"]}


def test_without_the_policy_no_network_is_planned_unasked() -> None:
    made = export(record(ROOT, "dell"))
    (guard,) = made.document["resource"]["terraform_data"].values()
    (condition,) = guard["lifecycle"]["precondition"]
    assert condition["condition"] == f"${{var.{ACKNOWLEDGED}}}"
    assert "THESE NETWORKS ARE OPEN" in condition["error_message"]
    assert made.document["variable"][ACKNOWLEDGED]["default"] is False
    for network in made.document["resource"]["libvirt_network"].values():
        assert network["depends_on"] == ["terraform_data.policy_is_missing"]
    assert {name for _, name in made.missing} == {"host", "policy", "watch"}
    assert made.outputs_left_out == ("firewalld", "uplinks")


def test_credentials_and_switches_of_offline_runs_are_not_exported(small: Export) -> None:
    assert small.document["provider"] == {
        "aws": {
            "region": "ap-northeast-1",
            "default_tags": [{"tags": {"environment": "test", "project": "twin-vpc"}}],
        }
    }
    assert OFFLINE not in small.text


def test_an_acl_entry_names_every_key(small: Export) -> None:
    (acl,) = small.document["resource"]["aws_network_acl"].values()
    assert acl["ingress"] == [{
        "action": "allow", "cidr_block": "10.0.1.0/24", "from_port": 0, "icmp_code": None, "icmp_type": None,
        "ipv6_cidr_block": None, "protocol": "-1", "rule_no": 100, "to_port": 0,
    }]  # fmt: skip


def test_what_looks_like_an_expression_is_text(small: Export) -> None:
    assert small.document["resource"]["aws_flow_log"]["flows"]["log_format"] == "$${version} $${action}"
    assert literal("%{if} 100% ${x} $x") == "%%{if} 100% $${x} $x"


def test_names_become_identifiers() -> None:
    assert [identifier(name) for name in ("web-1", "a.b/c", "1a", "größe")] == ["web_1", "a_b_c", "_1a", "gr__e"]


class Stranger(pulumi.CustomResource):
    def __init__(self) -> None:
        super().__init__("aws:ec2/instance:Instance", "stranger", {"ami": "ami-1"})


def resource(token: str, named: str, /, **inputs: object) -> Registered:
    """A registration that no program made."""
    urn = f"urn:pulumi:test::twin-vpc::{token}::{named}"
    return Registered(Resource(token, named, inputs), urn, True, "", "", (), False, False, ())  # noqa: FBT003 - a record


def recording(*registered: Registered) -> Recording:
    return Recording("test", registered, {}, ())


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Stranger, "type `aws:ec2/instance:Instance` has no counterpart in graph/tokens.py"),
        (
            lambda: aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", ipv4_ipam_pool_id="ipam-1"),
            "property `ipv4IpamPoolId` of vpc has no counterpart in graph/tokens.py",
        ),
        (
            lambda: libvirt.Pool("pool", type="dir", target=libvirt.PoolTargetArgs(path="/a"), path="/a"),
            "property `path` of pool has no counterpart in graph/tokens.py",
        ),
        (
            lambda: aws.cloudwatch.LogGroup("logs", name=pulumi.Output.secret("x")),
            "logs.name is a secret, and an export is a plain file",
        ),
        (
            lambda: aws.ec2.NetworkAcl(
                "acl", vpc_id=aws.ec2.VpcEndpoint("e", vpc_id="v", service_name="s").network_interface_ids[0]
            ),
            "acl.vpcId takes ref:aws:ec2/vpcEndpoint:VpcEndpoint::e#networkInterfaceIds[], which has no counterpart",
        ),
        (
            lambda: (libvirt.Pool("a-b", type="dir"), libvirt.Pool("a.b", type="dir")),
            "becomes libvirt_pool.a_b, as another one does: rename it",
        ),
        (
            lambda: (libvirt.Provider("one", uri="a"), libvirt.Provider("two", uri="b")),
            "two providers `libvirt`: an export has one of each",
        ),
        (
            lambda: aws.ec2.Vpc(
                "vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(ignore_changes=["tags.x"])
            ),
            "ignored changes of `tags.x` of vpc have no counterpart",
        ),
        (recording(resource(POOL, "pool", target="/a")), "pool.target holds no object"),
        (
            recording(resource(POOL, "pool", name="ref:libvirt:index/pool:Pool::pool#moon")),
            "pool.name takes ref:libvirt:index/pool:Pool::pool#moon, which has no counterpart",
        ),
    ],
)
def test_what_terraform_cannot_say_is_refused_by_name(made: object, said: str) -> None:
    with pytest.raises(GraphError) as told:
        exported(made)
    assert str(told.value).startswith("stack `test` cannot be exported:\n")
    assert said in str(told.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(GraphError) as told:
        exported(recording(resource(POOL, "a", moon=1), resource(POOL, "b", sun=2), resource("x:y:Z", "c")))
    assert len(str(told.value).splitlines()) == 4
