"""Each machine of the Dell has a place on AWS: subnet, security group, size."""

import gzip
import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import moto
import pytest
import yaml

from graph.app import landing_command
from graph.errors import GraphError
from graph.landing import SIZES, Landing, fitting, landings, usable
from tests.components.machines import DATABASE, machine
from tests.program.main import copy
from twinvpc.model.machines import Size


def moved(folder: Path, **machines: object) -> Path:
    """The project with these machines on the Dell."""
    root = copy(folder)
    path = root / "Pulumi.dell.yaml"
    image = {"source": "/images/debian-12.qcow2", "sha256": "0" * 64}
    given = {"twin-vpc:images": {"debian-12": image}, "twin-vpc:machines": machines}
    whole = yaml.safe_load(path.read_text())
    whole["config"] |= json.loads(json.dumps(given).replace("web_1", "web-1").replace("db_1", "db-1"))
    path.write_text(yaml.safe_dump(whole))
    return root


def test_every_machine_has_its_place(tmp_path: Path) -> None:
    root = moved(tmp_path, web_1=machine(), db_1=DATABASE)
    assert landings(root, "dell", "aws") == (
        Landing(
            "db-1", "database", "vpc-database-ap-northeast-1a", "ap-northeast-1a", "groups-database", "t3.small", None,
            (Size(mebibytes=20 * 1024),),
        ),
        Landing(
            "web-1", "public", "vpc-public-ap-northeast-1a", "ap-northeast-1a", "groups-public", "t3.small",
            IPv4Address("10.0.1.10"), (Size(mebibytes=20 * 1024), Size(mebibytes=50 * 1024)),
        ),
    )  # fmt: skip


def test_the_command_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landing_command("dell", "aws", moved(tmp_path, web_1=machine(), db_1=DATABASE))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "groups-" in line] == [
        ["db-1", "vpc-database-ap-northeast-1a", "groups-database", "t3.small", "a", "new", "one", "20", "GiB"],
        [
            "web-1", "vpc-public-ap-northeast-1a", "groups-public", "t3.small", "10.0.1.10", "20", "GiB", "+", "50",
            "GiB",
        ],
    ]  # fmt: skip
    assert "sizes of 2026-11" in lines[-1]


def test_a_stack_without_machines_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landing_command("dell", "staging", copy(tmp_path))
    assert capsys.readouterr().out == "stack `dell` has no machines\n"


@pytest.mark.parametrize(("stack", "to"), [("aws", "dell"), ("dell", "dell"), ("aws", "staging")])
def test_stacks_of_other_kinds_are_refused(tmp_path: Path, stack: str, to: str) -> None:
    with pytest.raises(GraphError, match=f"not from `{stack}` to `{to}`"):
        landings(copy(tmp_path), stack, to)


@pytest.mark.parametrize(
    ("vcpu", "memory", "size"),
    [(1, 512, "t3.nano"), (2, 513, "t3.micro"), (2, 8192, "t3.large"), (3, 512, "t3.xlarge"), (2, 8193, "t3.xlarge")],
)
def test_the_smallest_size_that_holds_a_machine(vcpu: int, memory: int, size: str) -> None:
    assert fitting("a", vcpu, Size(mebibytes=memory)).name == size


def test_a_machine_that_no_size_holds_is_refused() -> None:
    with pytest.raises(
        GraphError, match=r"machine `big` has 33 vCPU and 1 GiB; the largest size known here is m6i\.8xl"
    ):
        fitting("big", 33, Size(mebibytes=1024))


def test_sizes_are_what_aws_says() -> None:
    """Moto keeps AWS's own answer to `describe-instance-types`."""
    path = Path(moto.__file__).parent / "ec2" / "resources" / "instance_types.json.gz"
    known = json.loads(gzip.decompress(path.read_bytes()))
    for size in SIZES:
        said = known[size.name]
        assert (said["VCpuInfo"]["DefaultVCpus"], said["MemoryInfo"]["SizeInMiB"]) == (size.vcpu, size.memory)
        assert "x86_64" in said["ProcessorInfo"]["SupportedArchitectures"]


def test_sizes_grow() -> None:
    assert list(SIZES) == sorted(SIZES, key=lambda one: (one.memory, one.vcpu))


@pytest.mark.parametrize(
    ("last", "free"), [(0, False), (3, False), (4, True), (254, True), (255, False), (256, False)]
)  # fmt: skip
def test_addresses_that_aws_keeps_for_itself_are_not_kept(last: int, *, free: bool) -> None:
    subnet = IPv4Network("10.0.1.0/24")
    assert usable(subnet.network_address + last, subnet) is free
