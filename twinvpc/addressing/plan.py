"""The address plan of a stack: every block, router address, range and name, ready for renderers and components."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from twinvpc.addressing.allocate import RefusedError, Request, step
from twinvpc.addressing.lock import LOCK_FILE, Lock, StackLock
from twinvpc.model.aws import ENDPOINTS, NAT, SMALLEST_BLOCK, AwsStack, Egress
from twinvpc.model.libvirt import BRIDGE_PREFIX, AddressRange, LibvirtStack, PortSpan
from twinvpc.model.load import Intent
from twinvpc.model.problems import InvalidInputError, Problem


@dataclass(frozen=True)
class SegmentPlan:
    """One segment on a libvirt host.

    Attributes:
        name: the segment.
        cidr: its block.
        router: its router address, the first of the block.
        bridge: its bridge on the host.
        dhcp: what dnsmasq leases, or None.
        static: names with fixed addresses.
        ssh_ports: ports of its machines' sshd.
    """

    name: str
    cidr: IPv4Network
    router: IPv4Address
    bridge: str
    dhcp: AddressRange | None
    static: Mapping[str, IPv4Address]
    ssh_ports: PortSpan


@dataclass(frozen=True, order=True)
class RetiredSegment:
    """A segment that is gone, kept closed until its tombstone is released.

    Attributes:
        bridge: the bridge it had.
        cidr: its block, or None if a renamed segment lives on in it.
    """

    bridge: str
    cidr: IPv4Network | None


@dataclass(frozen=True, order=True)
class MachinePlan:
    """Where a machine is found.

    Attributes:
        name: the machine, and its host name.
        segment: the segment that it stands in.
        address: its address.
        mac: MAC of its interface, made from its address.
        ssh_port: port of its sshd, and the port of the host that leads there.
    """

    name: str
    segment: str
    address: IPv4Address
    mac: str
    ssh_port: int


@dataclass(frozen=True)
class LibvirtPlan:
    """All segments of a libvirt stack, by name in sorted order, those that are gone, and the machines, likewise."""

    segments: tuple[SegmentPlan, ...]
    retired: tuple[RetiredSegment, ...]
    machines: tuple[MachinePlan, ...] = ()


@dataclass(frozen=True, order=True)
class SubnetPlan:
    """One subnet in one zone: of a segment, or of `nat` or `endpoints`, which stand in a segment's place."""

    segment: str
    zone: str
    cidr: IPv4Network


@dataclass(frozen=True)
class AwsPlan:
    """All subnets of an AWS stack, sorted by segment and zone.

    Attributes:
        subnets: those of segments.
        infrastructure: those of no segment: NAT gateways and endpoints stand there.
        removed: blocks of subnets that are gone; nobody gets them, so no rule may name them.
    """

    subnets: tuple[SubnetPlan, ...]
    infrastructure: tuple[SubnetPlan, ...] = ()
    removed: tuple[IPv4Network, ...] = ()

    def of(self, name: str) -> tuple[SubnetPlan, ...]:
        """Subnets of a segment, or of `nat` or `endpoints`, by zone."""
        return tuple(one for one in (*self.subnets, *self.infrastructure) if one.segment == name)


def record(intent: Intent, lock: Lock) -> Lock:
    """The lock after the intent has been granted; equal to `lock` when nothing is new.

    Raises:
        InvalidInputError: something would move or overlap; names both sides.
    """
    name, before = intent.stack_name, lock.of(intent.stack_name)
    stack = intent.stack
    if isinstance(stack, LibvirtStack):
        where, pool = "segments.{}.cidr", intent.network.cidr
        wanted = {
            segment: Request(own.cidr, own.cidr.prefixlen, intent.network.segments[segment].renamed_from)
            for segment, own in stack.segments.items()
        }
    else:
        where, pool = "subnets.{}", stack.vpc_cidr
        wanted = _subnet_requests(intent, stack, before)
    _refuse_other_kind(name, before, in_zones=not isinstance(stack, LibvirtStack))
    try:
        return lock.with_stack(name, step(before, wanted, pool))
    except RefusedError as error:
        rule = f"a name keeps its block for ever ({LOCK_FILE})"
        raise InvalidInputError(
            Problem(f"Pulumi.{name}.yaml", where.format(r.key.replace("/", ".")), r.what, rule, r.way_out)
            for r in error.refusals
        ) from None


def _refuse_other_kind(stack_name: str, recorded: StackLock, *, in_zones: bool) -> None:
    """On AWS a block belongs to a segment and a zone, on libvirt to a segment: one stack never holds both."""
    wrong = [key for key in (*recorded.blocks, *recorded.removed) if ("/" in key) is not in_zones]
    if wrong:
        raise InvalidInputError(
            Problem(
                LOCK_FILE,
                f"stacks.{stack_name}",
                f"`{key}` was recorded for another kind of stack",
                "a stack keeps its kind for ever",
                "give the new stack a name of its own",
            )
            for key in wrong
        )


def _subnet_requests(intent: Intent, stack: AwsStack, recorded: StackLock) -> dict[str, Request]:
    """A request per segment and zone, and for what NAT gateways and endpoints need besides.

    A renamed segment renames its subnets in the zones where it had some.
    """
    known = {key.split("/")[0] for key in recorded.blocks}
    requests: dict[str, Request] = {}
    for name, segment in intent.network.segments.items():
        for zone in stack.zones:
            old = f"{segment.renamed_from}/{zone}" if segment.renamed_from else None
            if old and segment.renamed_from in known and old not in recorded.blocks:
                old = None  # a zone that is as new as the name
            requests[f"{name}/{zone}"] = Request(stack.subnets.get(name, {}).get(zone), stack.subnet_prefix, old)
    endpoints = stack.zones if stack.uses(Egress.ENDPOINTS) else ()
    keys = [*(f"{ENDPOINTS}/{zone}" for zone in endpoints), *(f"{NAT}/{zone}" for zone in _nat_zones(stack, recorded))]
    return requests | {key: Request(None, SMALLEST_BLOCK) for key in keys}


def _nat_zones(stack: AwsStack, recorded: StackLock) -> tuple[str, ...]:
    """Zones with a NAT gateway. A single one stays in the zone where it is, wherever a new zone stands in the list."""
    if not stack.uses(Egress.NAT):
        return ()
    if stack.nat == "per_zone":
        return stack.zones
    there = [zone for zone in stack.zones if f"{NAT}/{zone}" in recorded.blocks]
    return tuple((there or list(stack.zones))[:1])


def require_recorded(intent: Intent, lock: Lock) -> StackLock:
    """The stack's recorded blocks, when the lock already holds exactly what the intent needs.

    Raises:
        InvalidInputError: the lock lacks a name or still has one; the way out is `make lock-addresses`.
    """
    after = record(intent, lock).of(intent.stack_name)
    before = lock.of(intent.stack_name)
    if after == before:
        return before
    keys = {*after.blocks, *before.blocks}
    changed = sorted(key for key in keys if after.blocks.get(key) != before.blocks.get(key))
    told = [
        (f".blocks.{key}", f"`{key}` is {before.blocks.get(key, 'not recorded')}, not {after.blocks.get(key, 'gone')}")
        for key in changed
    ]
    raise InvalidInputError(
        Problem(
            LOCK_FILE,
            f"stacks.{intent.stack_name}{where}",
            what,
            "addresses are recorded before they are used",
            "run `make lock-addresses`, look at the difference, and commit it",
        )
        for where, what in told or [("", "former names have changed")]
    )


def libvirt_plan(stack: LibvirtStack, recorded: StackLock) -> LibvirtPlan:
    """The plan of a libvirt stack from its recorded blocks."""
    segments = tuple(
        SegmentPlan(
            name=name,
            cidr=recorded.blocks[name],
            router=recorded.blocks[name].network_address + 1,
            bridge=BRIDGE_PREFIX + name,
            dhcp=own.dhcp,
            static=dict(sorted(own.static.items())),
            ssh_ports=own.ssh_ports,
        )
        for name, own in sorted(stack.segments.items())
    )
    removed = [RetiredSegment(BRIDGE_PREFIX + name, cidr) for name, cidr in recorded.removed.items()]
    renamed = [RetiredSegment(BRIDGE_PREFIX + name, None) for name in recorded.renamed]
    machines = (
        MachinePlan(name, own.segment, own.address, mac_of(own.address), own.ssh_port)
        for name, own in stack.machines.items()
    )
    retired = sorted([*removed, *renamed], key=lambda old: old.bridge)
    return LibvirtPlan(segments, tuple(retired), tuple(sorted(machines)))


def mac_of(address: IPv4Address) -> str:
    """The MAC of whoever has this address: QEMU's prefix, then the address without its first number.

    All segments lie in one private block, the largest of which is a /8: two addresses never make the same MAC, and an
    address keeps its MAC whatever machine has it. So a DHCP reservation that is left behind is still right.
    """
    return ":".join(["52", "54", "00", *(f"{number:02x}" for number in address.packed[1:])])


def aws_plan(recorded: StackLock) -> AwsPlan:
    """The plan of an AWS stack from its recorded blocks."""
    keys = ((key.partition("/"), cidr) for key, cidr in recorded.blocks.items())
    found = sorted(SubnetPlan(segment, zone, cidr) for (segment, _, zone), cidr in keys)
    return AwsPlan(
        tuple(one for one in found if one.segment not in {NAT, ENDPOINTS}),
        tuple(one for one in found if one.segment in {NAT, ENDPOINTS}),
        tuple(sorted(recorded.removed.values())),
    )
