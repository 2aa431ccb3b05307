"""What is deployed at the owner's, as data: an upgrade of this program may not move or replace any of it.

A change here needs an alias in the component, or a reason in the change log under Breaking.
"""

import re
from pathlib import Path

import pytest

from tests import golden
from tests.components.engine import NETWORK, SSHD, SUBNET, RecordingEngine, pulumi_config
from tests.program.main import run_main

GOLDEN = Path(__file__).parent / "golden"

URNS = (
    "urn:pulumi:dell::twin-vpc::pulumi:providers:libvirt::libvirt",
    "urn:pulumi:dell::twin-vpc::pulumi:providers:twin-host::host",
    "urn:pulumi:dell::twin-vpc::twin-vpc:host:HostPolicy$twin-host:index:NetworkPolicy::policy",
    "urn:pulumi:dell::twin-vpc::twin-vpc:host:HostPolicy::policy",
    "urn:pulumi:dell::twin-vpc::twin-vpc:host:NetworkWatch$twin-host:index:NetworkWatch::watch",
    "urn:pulumi:dell::twin-vpc::twin-vpc:host:NetworkWatch::watch",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:StoragePools$libvirt:index/pool:Pool::pools-hdd",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:StoragePools$libvirt:index/pool:Pool::pools-ssd",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:StoragePools::pools",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-container",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-database",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-management",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-private",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Vpc$libvirt:index/network:Network::vpc-public",
    "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:Vpc::vpc",
)

# name, block, bridge, first and last leased address
NETWORKS = (
    ("container", "10.0.4.0/24", "br-container", "10.0.4.100", "10.0.4.200"),
    ("database", "10.0.3.0/24", "br-database", None, None),
    ("management", "10.0.0.0/24", "br-management", "10.0.0.10", "10.0.0.50"),
    ("private", "10.0.2.0/24", "br-private", "10.0.2.100", "10.0.2.200"),
    ("public", "10.0.1.0/24", "br-public", "10.0.1.100", "10.0.1.200"),
)

EXPORTS = {
    "segments": {
        name: {"cidr": block, "router": block.replace("0/24", "1"), "bridge": bridge}
        for name, block, bridge, _, _ in NETWORKS
    },
    "pools": {"ssd": "twin-vpc-ssd", "hdd": "twin-vpc-hdd"},
    "machines": {},
    "uplinks": ["eno1"],
    "firewalld": True,
}


@pytest.fixture(scope="module")
def made() -> RecordingEngine:
    return run_main("dell", pulumi_config())


def test_urns_are_what_is_deployed(made: RecordingEngine) -> None:
    assert tuple(sorted(one.urn for one in made.resources)) == URNS


def test_an_sshd_that_is_managed_is_one_resource_more_and_comes_before_libvirt() -> None:
    made = run_main("dell", pulumi_config() | {"twin-vpc:sshd": '{"managed":true}'})
    component = "urn:pulumi:dell::twin-vpc::twin-vpc:host:HostSshd"
    ours = (f"{component}$twin-host:index:SshServer::sshd", f"{component}::sshd")
    assert sorted({one.urn for one in made.resources} - set(URNS)) == list(ours)
    (libvirt,) = made.of("pulumi:providers:libvirt").values()
    assert ours[0] in libvirt.dependencies
    assert made.of(SSHD)["sshd"].inputs["ports"] == ["2200"]


def test_blocks_bridges_and_leases_are_what_is_deployed(made: RecordingEngine) -> None:
    found = []
    for network in made.of(NETWORK).values():
        given = network.inputs
        leased = re.search(r'<range start="(.+)" end="(.+)"/>', given.get("xml", {}).get("xslt", ""))
        (block,) = given["addresses"]
        first, last = leased.groups() if leased else (None, None)
        found.append((given["name"], block, given["bridge"], first, last))
    assert tuple(sorted(found)) == NETWORKS


def test_exports_are_what_others_read(made: RecordingEngine) -> None:
    assert made.exports == EXPORTS


@pytest.mark.parametrize("stack", ["aws", "staging"])
def test_urns_and_blocks_on_aws_are_what_is_deployed(stack: str) -> None:
    made = run_main(stack, pulumi_config(stack))
    blocks = {one.urn: f" {one.inputs['cidrBlock']}" for one in made.of(SUBNET).values()}
    lines = sorted(f"{one.urn}{blocks.get(one.urn, '')}\n" for one in made.resources)
    golden.check(GOLDEN / f"{stack}.urns", "".join(lines))


@pytest.mark.parametrize("stack", ["aws", "staging"])
def test_exports_on_aws_are_what_others_read(stack: str) -> None:
    exports = run_main(stack, pulumi_config(stack)).exports
    assert exports.keys() == {
        "vpc_id", "security_group_id", "cloudwatch_log_group_name", "nat_addresses", "segments",
    }  # fmt: skip
    assert exports["security_group_id"] == "groups-public-id"
    assert exports["cloudwatch_log_group_name"] == f"/twin-vpc/{stack}/flow-logs/vpc-id"
    assert exports["segments"].keys() == {name for name, *_ in NETWORKS}
    assert exports["segments"]["public"]["subnets"]["ap-northeast-1a"] == {
        "subnet_id": "vpc-public-ap-northeast-1a-id", "cidr": "10.0.1.0/24",
    }  # fmt: skip
