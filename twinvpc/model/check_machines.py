"""Machines of a libvirt stack: what they refer to, their addresses, ports and names, and what all take together."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from twinvpc.model.libvirt import LibvirtStack, SegmentAddresses
from twinvpc.model.machines import Machine
from twinvpc.model.problems import Problem
from twinvpc.model.source import KeyPath, Source

SUPERUSER = "root"
_IN_PERCENT = 100


def check_machines(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    """Every machine by itself, and all of them among each other.

    Args:
        stack: what was sound in the stack file.
        source: the stack file, for lines and for names of items that were not sound.
    """
    for name, machine in stack.machines.items():
        yield from _check_references(name, machine, source)
        if machine.user == SUPERUSER:
            what, rule = f"`{name}` has the user `{SUPERUSER}`", "nobody logs in as root; the user has sudo"
            yield source.problem(("machines", name, "user"), what, rule, "choose another name, for example `owner`")
        if machine.segment in stack.segments:
            segment = stack.segments[machine.segment]
            yield from _check_port(name, machine, segment, source)
            yield from _check_address(name, machine, segment, source)
    yield from _check_unique(stack, source)
    yield from _check_names(stack, source)
    yield from _check_limits(stack, source)


@dataclass(frozen=True)
class Taken:
    """What all machines together take.

    Attributes:
        machines: how many there are.
        vcpu: virtual processors.
        mebibytes: main memory.
    """

    machines: int
    vcpu: int
    mebibytes: int

    @property
    def memory(self) -> str:
        """Memory in one unit, so that sums compare at a glance."""
        return f"{self.mebibytes / 1024:.4g} GiB"


def taken_by_all(stack: LibvirtStack) -> Taken:
    """The sums that the guard looks at."""
    machines = stack.machines.values()
    return Taken(len(machines), sum(one.vcpu for one in machines), sum(one.memory.mebibytes for one in machines))


def memory_warning(stack: LibvirtStack) -> str:
    """What a run says when the machines take most of the memory that they may have; empty where they do not."""
    limits, taken = stack.limits, taken_by_all(stack)
    share = taken.mebibytes * _IN_PERCENT // limits.memory.mebibytes
    if share < limits.warn_from:
        return ""
    return (
        f"machines take {taken.memory} of memory, {share} % of {limits.memory} (`twin-vpc:limits.memory`): "
        f"{_memory_of_each(stack)}"
    )


def _check_references(name: str, machine: Machine, source: Source) -> Iterator[Problem]:
    here: KeyPath = ("machines", name)
    places: list[tuple[KeyPath, str, str]] = [
        ((*here, "segment"), "segments", machine.segment),
        ((*here, "image"), "images", machine.image),
        ((*here, "pool"), "pools", machine.pool),
    ]
    if machine.data:
        places.append(((*here, "data", "pool"), "pools", machine.data.pool))
    for where, section, value in places:
        known = source.names(section) or frozenset()
        if value not in known:
            what, rule = (
                f"`{value}` stands nowhere under `{section}`",
                f"those that do: {', '.join(sorted(known)) or 'none'}",
            )
            yield source.problem(where, what, rule, f"name one, or add `twin-vpc:{section}.{value}`")


def _check_port(name: str, machine: Machine, segment: SegmentAddresses, source: Source) -> Iterator[Problem]:
    ports = segment.ssh_ports
    if not ports.first <= machine.ssh_port <= ports.last:
        what = f"port {machine.ssh_port} of `{name}` lies outside {ports}"
        rule = f"a machine's sshd has a port of its segment's range, `segments.{machine.segment}.ssh_ports` (V4)"
        yield source.problem(("machines", name, "ssh_port"), what, rule, f"choose one of {ports}")


def _check_address(name: str, machine: Machine, segment: SegmentAddresses, source: Source) -> Iterator[Problem]:
    where, address, cidr = ("machines", name, "address"), machine.address, segment.cidr
    owners = {
        cidr.network_address: "the network's own",
        cidr.broadcast_address: "the broadcast",
        cidr.network_address + 1: "the router's",
    }
    if address not in cidr or address in owners:
        rule = f"{address} is {owners[address]} address" if address in owners else f"`{machine.segment}` is {cidr}"
        yield source.problem(where, f"`{name}` cannot be {address}", rule, f"choose another address of {cidr}")
    if segment.dhcp is not None and address in segment.dhcp:
        what, rule = (
            f"`{name}` at {address} lies in the DHCP range {segment.dhcp}",
            "a leased address could be given twice",
        )
        yield source.problem(where, what, rule, "choose an address outside the range")


def _check_unique(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    statics = {
        address: f"the static name `{host}`" for own in stack.segments.values() for host, address in own.static.items()
    }
    addresses: dict[IPv4Address, str] = statics
    ports: dict[int, str] = {}
    for name, machine in stack.machines.items():
        if machine.address in addresses:
            what = f"{machine.address} is given to {addresses[machine.address]} and `{name}`"
            yield source.problem(("machines", name, "address"), what, "an address belongs to one machine", "change one")
        if machine.ssh_port in ports:
            what = f"port {machine.ssh_port} is given to {ports[machine.ssh_port]} and `{name}`"
            rule = "the host forwards each port to one machine"
            yield source.problem(("machines", name, "ssh_port"), what, rule, "change one")
        addresses.setdefault(machine.address, f"`{name}`")
        ports.setdefault(machine.ssh_port, f"`{name}`")


def _check_names(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    taken: dict[str, str] = dict.fromkeys(stack.segments, "a segment")
    for segment, own in stack.segments.items():
        taken |= dict.fromkeys(own.static, f"a static name of `{segment}`")
    for name in stack.machines:
        if name in taken:
            what, rule = (
                f"name `{name}` is taken by {taken[name]}",
                "all segments share one domain: a name is one address",
            )
            yield source.problem(("machines", name), what, rule, "rename it, or remove the static name")


def _check_limits(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    """The guard (V3): what is asked for, what there is, and who asks."""
    limits, machines, taken = stack.limits, stack.machines, taken_by_all(stack)
    found: list[tuple[str, str, str]] = []
    if taken.vcpu > limits.vcpu:
        each = ", ".join(f"{name} {machine.vcpu}" for name, machine in machines.items())
        found.append(("vcpu", f"{taken.vcpu} vCPU: {each}", f"{limits.vcpu} vCPU"))
    if taken.mebibytes > limits.memory.mebibytes:
        found.append(("memory", f"{taken.memory} of memory: {_memory_of_each(stack)}", str(limits.memory)))
    if taken.machines > limits.machines:
        found.append(("machines", f"{taken.machines} places: {', '.join(machines)}", f"{limits.machines} machines"))
    for key, asked, limit in found:
        rule = f"the host gives them {limit} (`twin-vpc:limits.{key}`) and keeps the rest for itself (V3)"
        yield source.problem(("machines",), f"machines ask for {asked}", rule, "make one smaller, or remove one")


def _memory_of_each(stack: LibvirtStack) -> str:
    return ", ".join(f"{name} {machine.memory}" for name, machine in stack.machines.items())
