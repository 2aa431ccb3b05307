"""A flood at every denied cell of a measured stack, with ears wherever something could arrive."""

from collections.abc import Iterator
from dataclasses import replace

from sandbox.dell import World, container
from sandbox.measure import Rig
from sandbox.probe.flood import Flood, Jet, PlaceEar, WireEar
from sandbox.probe.flood_host import HostEar
from sandbox.probe.stands import Stand
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT

_BOTH = (Protocol.TCP, Protocol.UDP)
_DNS = 53
_CONTROLS_EVERY = 4
"""One jet at an allowed cell for so many at denied ones."""


def flooding(world: World, ready: Rig) -> Flood:
    """The flood; it runs for as long as a `with` block lasts.

    Args:
        world: the sandbox.
        ready: guests on the stack's bridges.
    """
    planned = tuple(jets(world, ready))
    places = ("internet", "router", "nas")
    ears = [
        *(PlaceEar(f"{guest.segment} {guest.number}", guest.netns) for guest in ready.guests),
        *(PlaceEar(name, world.places[name].netns) for name in ("internet", "nas", "docker0")),
        *(WireEar(f"the wire of {name}", world.places[name].netns) for name in places),
        HostEar(container.nsenter(world.dell_pid), (jet.mark for jet in planned)),
    ]
    senders = {jet.source: ready.stands[jet.source].netns for jet in planned}
    return Flood(planned, senders, ears)


def jets(world: World, ready: Rig) -> Iterator[Jet]:
    """Every denied cell over TCP and UDP, every other address of the host, and some allowed cells as controls."""
    denied = [*_denied_cells(ready), *_host_addresses(world, ready)]
    controls = [*_name_services(ready), *_allowed_cells(ready)]
    for at, jet in enumerate(denied):
        yield jet
        if at % _CONTROLS_EVERY == 0:
            yield controls[at // _CONTROLS_EVERY % len(controls)]


def _jet(ready: Rig, source: str, target: str, protocol: Protocol, port: int, *, allowed: bool = False) -> Jet:
    stand = ready.stands[source]
    return Jet(
        source, target, stand.address, ready.stands[target].answers(source).address, protocol, port, allowed=allowed
    )


def _denied_cells(ready: Rig) -> Iterator[Jet]:
    for expected in ready.expectations:
        probe = expected.probe
        ours = not ready.matrix.cell(probe.source, probe.destination).foreign
        if ours and not expected.open and probe.protocol in _BOTH:
            yield _jet(ready, probe.source, probe.destination, probe.protocol, probe.port)


def _host_addresses(world: World, ready: Rig) -> Iterator[Jet]:
    """Other segments' router addresses and the host's own in the LAN are no way round: sshd, DNS, any port."""
    routers = ready.stands[Node.HOST].towards
    for segment in ready.ground.segments:
        sender = ready.stands[segment].address
        for other in ready.ground.others(segment):
            yield Jet(segment, f"router of {other}", sender, routers[other], Protocol.UDP, _DNS)
            yield Jet(segment, f"router of {other}", sender, routers[other], Protocol.TCP, ready.ground.ssh_port)
        for protocol, port in ((Protocol.TCP, ready.ground.ssh_port), (Protocol.UDP, PLAIN_PORT)):
            yield Jet(segment, "host's LAN address", sender, world.places["dell"].address, protocol, port)


def _name_services(ready: Rig) -> Iterator[Jet]:
    """The one thing that every guest may say to the host: proof that the ear in there hears."""
    for segment in ready.ground.segments:
        yield _jet(ready, segment, Node.HOST.value, Protocol.UDP, _DNS, allowed=True)


def _allowed_cells(ready: Rig) -> Iterator[Jet]:
    for expected in ready.expectations:
        probe = expected.probe
        inside = {probe.source, probe.destination} <= {*ready.ground.segments, Node.INTERNET.value}
        if expected.open and inside and probe.port == PLAIN_PORT and probe.source in ready.ground.segments:
            yield _jet(ready, probe.source, probe.destination, probe.protocol, probe.port, allowed=True)


def restood(world: World, ready: Rig) -> Rig:
    """The same rig where the container on docker0 was started again, in a namespace of its own."""
    place = world.places["docker0"]
    stands = {**ready.stands, Node.DOCKER0.value: Stand(Node.DOCKER0.value, place.netns, place.address)}
    return replace(ready, stands=stands, ground=replace(ready.ground, stands=stands))
