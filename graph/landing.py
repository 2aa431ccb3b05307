"""Where each machine of a libvirt stack would stand on AWS, when AWS's Application Migration Service copies it."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import cast

from graph.errors import GraphError
from graph.record import Recording, record
from graph.references import references
from twinvpc.model.aws import AwsStack
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.machines import Machine, Size

SIZES_OF = "2026-11"
SIZES_FROM = "https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html"
"""When the table was made, and where AWS publishes what it holds."""

_GIBIBYTE = 1024
_FIRST_OWN, _LAST_RESERVED = 4, -1
"""AWS keeps the first four addresses of a subnet and the last (VPC user guide, subnet sizing)."""


@dataclass(frozen=True)
class InstanceSize:
    """A size of machine on AWS.

    Attributes:
        name: AWS's name.
        vcpu: virtual processors.
        memory: main memory in MiB.
    """

    name: str
    vcpu: int
    memory: int


# From the smallest up, all x86-64 as the Dell's machines are, all in Tokyo.
SIZES = (
    InstanceSize("t3.nano", 2, _GIBIBYTE // 2),
    InstanceSize("t3.micro", 2, 1 * _GIBIBYTE),
    InstanceSize("t3.small", 2, 2 * _GIBIBYTE),
    InstanceSize("t3.medium", 2, 4 * _GIBIBYTE),
    InstanceSize("t3.large", 2, 8 * _GIBIBYTE),
    InstanceSize("t3.xlarge", 4, 16 * _GIBIBYTE),
    InstanceSize("t3.2xlarge", 8, 32 * _GIBIBYTE),
    InstanceSize("m6i.4xlarge", 16, 64 * _GIBIBYTE),
    InstanceSize("m6i.8xlarge", 32, 128 * _GIBIBYTE),
)


@dataclass(frozen=True)
class Landing:
    """A machine's place on AWS.

    Attributes:
        machine: its name.
        segment: the segment that it stands in, here and there.
        subnet: name of the subnet in the AWS stack.
        zone: the subnet's zone.
        group: name of the security group.
        size: AWS's name of the smallest size that holds it.
        address: the address that it has, where the subnet has it too; else None, and AWS gives it one.
        disks: sizes of its disks.
    """

    machine: str
    segment: str
    subnet: str
    zone: str
    group: str
    size: str
    address: IPv4Address | None
    disks: tuple[Size, ...]


def landings(root: Path, stack: str, to: str) -> tuple[Landing, ...]:
    """Find the place of every machine, by name.

    Args:
        root: folder with the files.
        stack: the stack that has the machines.
        to: the AWS stack that they would move to.

    Raises:
        InvalidInputError: the files cannot be used.
        GraphError: the stacks are of other kinds, or a machine is larger than every size.
    """
    source, target = load_stack(root, stack).stack, load_stack(root, to).stack
    if not isinstance(source, LibvirtStack) or not isinstance(target, AwsStack):
        raise GraphError(f"machines move from a libvirt stack to one of AWS, not from `{stack}` to `{to}`: name others")
    there = record(root, to)
    # The first zone that the stack names: a machine stands in one place.
    return tuple(_landing(name, own, target.zones[0], there) for name, own in sorted(source.machines.items()))


def _landing(name: str, machine: Machine, zone: str, there: Recording) -> Landing:
    segments = cast("Mapping[str, Mapping[str, object]]", there.exports["segments"])
    segment = segments[machine.segment]
    subnet = cast("Mapping[str, Mapping[str, str]]", segment["subnets"])[zone]
    disks = (machine.disk, machine.data.size) if machine.data else (machine.disk,)
    return Landing(
        machine=name,
        segment=machine.segment,
        subnet=_name(subnet["subnet_id"]),
        zone=zone,
        group=_name(segment["security_group_id"]),
        size=fitting(name, machine.vcpu, machine.memory).name,
        address=machine.address if usable(machine.address, IPv4Network(subnet["cidr"])) else None,
        disks=disks,
    )


def _name(exported: object) -> str:
    (reference,) = references(exported)
    return reference.name


def fitting(name: str, vcpu: int, memory: Size) -> InstanceSize:
    """Find the smallest size that has as many processors and as much memory.

    Raises:
        GraphError: there is none.
    """
    for size in SIZES:
        if size.vcpu >= vcpu and size.memory >= memory.mebibytes:
            return size
    largest = SIZES[-1]
    raise GraphError(
        f"machine `{name}` has {vcpu} vCPU and {memory}; the largest size known here is {largest.name} with "
        f"{largest.vcpu} and {largest.memory // _GIBIBYTE} GiB: make it smaller, or add a size to graph/landing.py"
    )


def usable(address: IPv4Address, subnet: IPv4Network) -> bool:
    """Whether a machine may have an address in a subnet of AWS."""
    return address in subnet and subnet[_FIRST_OWN] <= address < subnet[_LAST_RESERVED]
