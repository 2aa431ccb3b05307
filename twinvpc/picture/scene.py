"""What is to be seen of a stack, before anyone decides where: places, arrows, and the frame around what is ours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from twinvpc.addressing.lock import StackLock
from twinvpc.addressing.plan import LibvirtPlan, SegmentPlan, aws_plan, libvirt_plan
from twinvpc.model.aws import AwsStack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import FIXED_NODES, Node
from twinvpc.picture.words import shortened, words
from twinvpc.price.text import AT_HOME, in_sentences, in_short
from twinvpc.proof.cells import Matrix
from twinvpc.proof.forwards import ways

LIBVIRT, AWS = "libvirt", "AWS"
"""Substrates, as pictures call them."""

_OUTSIDE_FIRST = (Node.INTERNET.value, Node.LAN.value)
_ON_THE_HOST = (Node.HOST.value, Node.DOCKER0.value)
_OUTSIDE_LAST = (Node.TAILNET.value, Node.AWS_SERVICES.value, Node.GATEWAY.value)
_OCTET = 8


@dataclass(frozen=True)
class Place:
    """A node of the stack as a box.

    Attributes:
        name: the node.
        lines: what stands in the box below the name: addresses, and whatever else lies there.
        framed: whether it lies inside the frame (the host, or the VPC).
        here: whether the stack has this node; its place is kept if not.
    """

    name: str
    lines: tuple[str, ...]
    framed: bool
    here: bool = True


@dataclass(frozen=True)
class Arrow:
    """A cell between two different places that permits something.

    Attributes:
        source: who opens.
        destination: to whom.
        services: what may be opened: `all`, or services as the matrix tells them.
        label: the same in few letters: `r` stands for the usual answers of a guest's own router address.
    """

    source: str
    destination: str
    services: str
    label: str

    @property
    def everything(self) -> bool:
        """Whether every protocol and port may be opened."""
        return self.services == "all"


@dataclass(frozen=True)
class Declared:
    """A cell between two different places that network.yaml permits and the stack denies by choice.

    Attributes:
        source: who would open.
        destination: to whom.
        setting: the stack's setting that denies it.
    """

    source: str
    destination: str
    setting: str


@dataclass(frozen=True)
class Scene:
    """A stack as it is drawn.

    Attributes:
        stack: its name.
        substrate: what it is built on.
        about: one line about the whole network.
        price: what it costs, in a few words; behind that, sentences that say more.
        frame: what the frame stands for, in short lines.
        places: from top to bottom.
        openers: places that have a column for arrows of their own.
        arrows: sorted by places.
        declared: what the stack denies by choice, sorted by places.
        reaching: nodes that reach machines by ports of the host; none where there are no machines.
    """

    stack: str
    substrate: str
    about: str
    price: tuple[str, ...]
    frame: tuple[str, ...]
    places: tuple[Place, ...]
    openers: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    declared: tuple[Declared, ...] = ()
    reaching: tuple[str, ...] = ()


def scene(intent: Intent, recorded: StackLock, matrix: Matrix) -> Scene:
    """Gather what a picture of the stack shows.

    Args:
        intent: the stack.
        recorded: its blocks.
        matrix: who may open what to whom.
    """
    names = _rows(intent, matrix)
    lines, frame = _addresses(intent, recorded)
    framed = {*intent.network.segments, *_ON_THE_HOST}
    places = tuple(Place(n, lines.get(n, ()), n in framed, n in matrix.nodes) for n in names)
    cells = ((s, d, matrix.cell(s, d)) for s in names for d in names if s != d)
    arrows = tuple(_arrow(s, d, str(cell)) for s, d, cell in cells if (s, d) in matrix.permitted)
    granting = {name for flow in intent.network.flows for name in flow.source}
    openers = tuple(name for name in names if name not in FIXED_NODES or name in granting or name == Node.HOST)
    reaching = {node for way in ways(intent) for node in way.openers}
    return Scene(
        stack=intent.stack_name,
        substrate=LIBVIRT if isinstance(intent.stack, LibvirtStack) else AWS,
        about=f"{intent.network.domain}, {intent.network.cidr}",
        price=_price(intent),
        frame=frame,
        places=places,
        openers=openers,
        arrows=arrows,
        declared=tuple(
            Declared(s, d, matrix.declared[s, d]) for s in names for d in names if (s, d) in matrix.declared
        ),
        reaching=tuple(sorted(reaching)),
    )


def beside(scenes: Iterable[Scene]) -> tuple[Scene, ...]:
    """The same scenes with the same places: where only one has a node, the others keep its place free."""
    some = tuple(scenes)
    wanted = dict.fromkeys(place.name for one in some for place in one.places)
    names = tuple(sorted(wanted, key=lambda name: _OUTSIDE_LAST.index(name) if name in _OUTSIDE_LAST else -1))
    opening = {name for one in some for name in one.openers}
    openers = tuple(name for name in names if name in opening)
    return tuple(replace(one, places=_filled(one, names), openers=openers) for one in some)


def _price(intent: Intent) -> tuple[str, ...]:
    if isinstance(intent.stack, LibvirtStack):
        return (AT_HOME,)
    return (in_short(intent.stack), *in_sentences(intent.stack, intent.network))


def _filled(one: Scene, names: tuple[str, ...]) -> tuple[Place, ...]:
    own = {place.name: place for place in one.places}
    return tuple(own.get(name, Place(name, (), framed=False, here=False)) for name in names)


def _arrow(source: str, destination: str, services: str) -> Arrow:
    usual = destination == Node.HOST and source not in FIXED_NODES
    return Arrow(source, destination, services, words(services) if usual else services)


def _rows(intent: Intent, matrix: Matrix) -> tuple[str, ...]:
    """Names from top to bottom: outside, then segments from those who open to most to those who open to none.

    The order comes from flows alone, which all stacks share, and not from the order of keys in a file.
    """
    segments = intent.network.segments
    pairs = [(s, d) for s, d in matrix.permitted if s in segments and d in segments and s != d]
    opens = {name: sum(s == name for s, _ in pairs) for name in segments}
    opened = {name: sum(d == name for _, d in pairs) for name in segments}
    ordered = sorted(segments, key=lambda name: (-opens[name], opened[name], name))
    last = tuple(name for name in _OUTSIDE_LAST if name in matrix.nodes)
    return (*_OUTSIDE_FIRST, *ordered, *_ON_THE_HOST, *last)


def _addresses(intent: Intent, recorded: StackLock) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """What stands in each box, and on the frame."""
    lines: dict[str, tuple[str, ...]] = {Node.INTERNET.value: ("public addresses",)}
    if isinstance(intent.stack, LibvirtStack):
        lines |= _on_libvirt(intent.stack, recorded)
        return lines, ("the host", shortened(intent.stack.host.address))
    return lines | _on_aws(intent.stack, recorded), (f"VPC {intent.stack.vpc_cidr}", intent.stack.aws_region)


def _on_libvirt(stack: LibvirtStack, recorded: StackLock) -> dict[str, tuple[str, ...]]:
    plan = libvirt_plan(stack, recorded)
    lines = {one.name: (*_segment(one), *_machines(one, plan)) for one in plan.segments}
    lines[Node.LAN.value] = (str(stack.host.lan),)
    lines[Node.HOST.value] = ("router addresses", f"sshd on {stack.host.port}")
    lines[Node.DOCKER0.value] = (str(stack.docker.pool), "containers")
    if stack.tailnet:
        lines[Node.TAILNET.value] = (f"by {stack.tailnet.interface}",)
    return lines


def _segment(segment: SegmentPlan) -> tuple[str, ...]:
    if not segment.dhcp:
        return (str(segment.cidr), "static only")
    first, last = (_tail(address, segment.cidr) for address in (segment.dhcp.first, segment.dhcp.last))
    return (str(segment.cidr), f"DHCP {first} – {last}")


def _machines(segment: SegmentPlan, plan: LibvirtPlan) -> Iterator[str]:
    """Each machine that stands in the segment: its name, its address, and the port of the host that leads to it."""
    for one in plan.machines:
        if one.segment == segment.name:
            yield f"{shortened(one.name)} {_tail(one.address, segment.cidr)}, ssh {one.ssh_port}"


def _tail(address: IPv4Address, block: IPv4Network) -> str:
    """The address without the numbers that it shares with every other in its block."""
    return "." + ".".join(str(address).split(".")[min(block.prefixlen, 31) // _OCTET :])


def _on_aws(stack: AwsStack, recorded: StackLock) -> dict[str, tuple[str, ...]]:
    lines: dict[str, tuple[str, ...]] = {}
    for subnet in aws_plan(recorded).subnets:
        text = f"{subnet.zone.removeprefix(stack.aws_region)}: {subnet.cidr}"
        lines[subnet.segment] = (*lines.get(subnet.segment, ()), text)
    return lines
