"""Measuring the whole matrix on the sandbox host: guests on every bridge, then every probe of every cell."""

import json
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from sandbox.dell import SandboxError, World, in_dell, settled
from sandbox.measured import Measured
from sandbox.probe.controls import positive_controls
from sandbox.probe.extras import Ground, Try, leases, tries
from sandbox.probe.guests import Guest, Wish, by_segment, seated
from sandbox.probe.measure import measure
from sandbox.probe.stands import End, Stand
from sandbox.project import BASELINE
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import LibvirtPlan, SegmentPlan, libvirt_plan
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.cells import Matrix
from twinvpc.proof.compare import differences
from twinvpc.proof.expect import Clients, as_before, expectations, foreign_probes
from twinvpc.proof.intent import matrix
from twinvpc.proof.probes import Expectation, Observation, Probe

_DNS = 53
PUBLISHED, CONTAINER = 8080, 80
"""The port of the sandbox host that Docker leads into its container, and the container's own."""
_FIRST_STATIC = 20
"""Offset in the block of the first guest of a segment that leases nothing."""

# Fixed nodes by the place of the sandbox that plays them.
_PLACES = {Node.INTERNET: "internet", Node.LAN: "nas", Node.HOST: "dell", Node.DOCKER0: "docker0"}


@dataclass(frozen=True)
class Rig:
    """Everything in place to measure a stack again and again: guests with their addresses, and the intent.

    Attributes:
        matrix: the intent.
        expectations: what should come of every probe.
        stands: where each node stands.
        guests: two of each segment.
        leasing: segments whose guests must have got their addresses by DHCP.
        ground: what the tries beyond the matrix stand on.
    """

    matrix: Matrix
    expectations: tuple[Expectation, ...]
    stands: Mapping[str, Stand]
    guests: tuple[Guest, ...]
    leasing: tuple[str, ...]
    ground: Ground

    def measure(self) -> Measured:
        """Try every probe of every cell once."""
        started = time.monotonic()
        seen = measure([e.probe for e in self.expectations], self.stands)
        ours = [e for e in self.expectations if not self.matrix.cell(e.probe.source, e.probe.destination).foreign]
        return Measured(
            matrix=self.matrix,
            expectations=self.expectations,
            observations=seen,
            differences=differences(self.expectations, seen),
            uncontrolled=positive_controls(seen, [e.probe for e in ours if not e.open]),
            seconds=time.monotonic() - started,
        )

    def tries(self) -> tuple[Try, ...]:
        """What the matrix does not ask: false sources, fragments, IPv6, DNS as a tunnel and so on."""
        return (*leases(self.guests, self.leasing), *tries(self.ground))


@contextmanager
def rig(world: World, root: Path, stack_name: str = "dell") -> Generator[Rig]:
    """Bring guests onto every bridge of a deployed stack, for as long as a `with` block lasts.

    Args:
        world: the sandbox, with the stack deployed.
        root: folder of the files that say what is intended.
        stack_name: the stack.

    Raises:
        SandboxError: the sandbox cannot be measured as it is, e.g. no baseline was taken.
        GuestError: a guest got no address.
    """
    intent = load_stack(root, stack_name)
    stack, plan = _libvirt(intent, root)
    wanted, before = matrix(intent), read_baseline(world)
    with seated(world.places["dell"].netns, _wishes(plan), world.id) as guests:
        settled(world)
        stands = _stands(world, stack, plan, guests)
        ours = expectations(wanted, stands, _clients(world, plan, guests), frozenset({_DNS, stack.host.port}))
        open_ = frozenset(name for name, segment in intent.network.segments.items() if segment.internet_services)
        yield Rig(
            matrix=wanted,
            expectations=(*ours, *as_before(before)),
            stands=stands,
            guests=guests,
            leasing=tuple(segment.name for segment in plan.segments if segment.dhcp),
            ground=Ground(
                stands,
                {segment.name: segment.bridge for segment in plan.segments},
                wanted,
                ssh_port=stack.host.port,
                published=PUBLISHED,
                container_port=CONTAINER,
                outside=open_,
                dns_log=world.state / "dns.log",
            ),
        )


def denied_but_open(world: World, root: Path, stack_name: str = "dell") -> tuple[str, ...]:
    """Denied probes that get through now, on whatever bridges of ours there are: for a stack that is half there.

    Raises:
        GuestError: a bridge went away meanwhile.
    """
    intent = load_stack(root, stack_name)
    stack, whole = _libvirt(intent, root)
    links = in_dell(world, "ls", "/sys/class/net").split()
    plan = replace(whole, segments=tuple(segment for segment in whole.segments if segment.bridge in links))
    wishes = [
        Wish(segment.name, segment.bridge, segment.router, number, _fixed(segment, number))
        for segment in plan.segments
        for number in (1, 2)
    ]
    with seated(world.places["dell"].netns, wishes, world.id) as guests:
        stands = _stands(world, stack, plan, guests)
        asked = expectations(matrix(intent), stands, _clients(world, plan, guests))
        seen = measure([one.probe for one in asked if not one.open], stands)
    return tuple(str(one.probe) for one in seen if one.open or one.arrived)


def _libvirt(intent: Intent, root: Path) -> tuple[LibvirtStack, LibvirtPlan]:
    if not isinstance(intent.stack, LibvirtStack):
        raise SandboxError(f"stack `{intent.stack_name}` is not a libvirt stack; packets are measured on those")
    return intent.stack, libvirt_plan(intent.stack, read_lock(root).of(intent.stack_name))


def _wishes(plan: LibvirtPlan) -> Iterator[Wish]:
    """Two guests a segment, so that a segment's own cell is tried too."""
    for segment in plan.segments:
        for number in (1, 2):
            yield Wish(segment.name, segment.bridge, segment.router, number, _static(segment, number))


def _static(segment: SegmentPlan, number: int) -> IPv4Interface | None:
    return None if segment.dhcp is not None else _fixed(segment, number)


def _fixed(segment: SegmentPlan, number: int) -> IPv4Interface:
    return IPv4Interface((segment.cidr.network_address + _FIRST_STATIC + number, segment.cidr.prefixlen))


def _stands(world: World, stack: LibvirtStack, plan: LibvirtPlan, guests: Iterable[Guest]) -> Mapping[str, Stand]:
    stands = _fixed_stands(world)
    routers = {segment.name: segment.router for segment in plan.segments}
    host = stands[Node.HOST.value]
    answering = (_DNS, stack.host.port, PUBLISHED)
    services = frozenset({*((Protocol.TCP, port) for port in answering), (Protocol.UDP, _DNS)})
    stands[host.node] = Stand(host.node, host.netns, host.address, towards=routers, services=services)
    for segment, (one, other) in by_segment(tuple(guests)).items():
        stands[segment] = Stand(segment, one.netns, one.address, server=End(other.netns, other.address))
    return stands


def _fixed_stands(world: World) -> dict[str, Stand]:
    places = {node.value: world.places[name] for node, name in _PLACES.items()}
    return {node: Stand(node, place.netns, place.address) for node, place in places.items()}


def _clients(world: World, plan: LibvirtPlan, guests: Iterable[Guest]) -> Clients:
    own = {guest.segment: guest.address for guest in guests if guest.number == 1}
    own |= {node.value: world.places[name].address for node, name in _PLACES.items()}
    routers = {segment.name: segment.router for segment in plan.segments}
    return Clients(own, routers, world.places["dell"].address)


def take_baseline(world: World) -> None:
    """Record what cells that are not ours do before the stack is there, once per sandbox host.

    What nodes outside the segments may do among themselves is not ours to rule, so the proof asks of those cells that
    they stay exactly what they were.
    """
    path = world.state / BASELINE
    if path.exists():
        return
    stands = _fixed_stands(world)
    seen = measure(foreign_probes(Matrix(tuple(stands)), stands), stands)
    rows = [
        [o.probe.source, o.probe.destination, o.probe.protocol, o.probe.port, o.open, str(o.seen_as or "")]
        for o in seen
    ]
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def read_baseline(world: World) -> tuple[Observation, ...]:
    """What was recorded before.

    Raises:
        SandboxError: nothing was, so cells that are not ours have nothing to be compared with.
    """
    path = world.state / BASELINE
    if not path.exists():
        raise SandboxError("the bare host was never measured; `make down`, then `make up`")
    return tuple(
        Observation(Probe(s, d, Protocol(p), port), opened, IPv4Address(seen) if seen else None)
        for s, d, p, port, opened, seen in json.loads(path.read_text(encoding="utf-8"))
    )
