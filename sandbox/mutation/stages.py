"""What is tried on some walls, in stages: the next one only where the one before has shown nothing."""

from collections.abc import Callable, Collection, Iterator

from sandbox.mutation import cuts
from sandbox.mutation.walls import Walls
from sandbox.mutation.words import CLOSED, DEAF, HEARD, LISTENERS, Outcome
from sandbox.mutation.world import World
from sandbox.probe import addresses, astray, fragments, machines, spoofing, states, strangers
from sandbox.probe.ground import Try
from sandbox.probe.measure import DeafError, measure
from sandbox.probe.pace import Pace
from sandbox.probe.shots import Shot, fire
from twinvpc.proof.forwards import ways
from twinvpc.proof.probes import Observation

Stage = Callable[[World, Walls, Pace, Collection[str]], Outcome]
"""Tries of one kind: all of them, or those with these names."""


def cells(world: World, walls: Walls, pace: Pace, names: Collection[str] = ()) -> Outcome:
    """Every probe of every cell and of the places beside them, and how each denial is told."""
    world.load(walls)
    probes = [one for one in world.probes if not names or LISTENERS in names or str(one) in names]
    try:
        seen = measure(probes, world.stands, pace)
    except DeafError:  # a host that does not hear itself: nothing can be said of its cells
        return {LISTENERS: DEAF}
    return {LISTENERS: HEARD, **{str(one.probe): _cell(one) for one in seen}}


def beyond(world: World, walls: Walls, pace: Pace, _: Collection[str] = ()) -> Outcome:
    """What no cell says: false sources, fragments, DHCP, states of connections, IPv6, other addresses, ways astray."""
    world.load(walls)
    return {one.name: one.measured for one in tries(world, pace)}


def tries(world: World, pace: Pace) -> tuple[Try, ...]:
    """The tries beyond the matrix, on the walls that are loaded."""
    shots = (*_shots(world), *world.frames)
    return (*fire(shots, world.ground.host, pace), *addresses.tries(world.wide, pace))


STAGES: tuple[Stage, ...] = (cells, beyond, cuts.cuts)


def _cell(seen: Observation) -> str:
    if seen.open:
        return f"open to {seen.seen_as}"
    if seen.arrived:
        return f"arrived as {seen.seen_as}"
    how = "silence" if seen.detail.startswith("no answer") else seen.detail.partition(" (")[0]
    return f"{CLOSED}: {how}"


def _shots(world: World) -> Iterator[Shot]:
    yield from spoofing.shots(world.wide)
    yield from fragments.shots(world.wide)
    yield from addresses.published(world.wide)
    yield from states.shots(world.ground)
    yield from strangers.shots(world.ground)
    called = {name: one.called for name, one in world.calls.items()}
    yield from machines.shots(world.ground, ways(world.network.intent), called)
    yield from astray.shots(world.wide, [segment.cidr for segment in world.lab.segments], world.lab.router)
