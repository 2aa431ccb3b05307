"""Conversations that lose their permission: a live connection is no excuse, and each gate judges answers as well.

Two kinds: those that were begun before there was any wall, and those whose permission is taken out of one gate's sets.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

from sandbox.mutation.walls import MAIN, TABLES, Walls
from sandbox.mutation.words import CASE, NOT_OPENED, Outcome
from sandbox.mutation.world import World
from sandbox.probe.pace import Pace
from sandbox.probe.packets import DNS_PORT
from sandbox.probe.stands import End
from sandbox.probe.talks import Talk, hear
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT

_FAMILIES = {
    "gate 1": ("leave", "leave_internet", "leave_lan"),
    "gate 2": ("enter", "enter_lan", "enter_foreign"),
}


@dataclass(frozen=True)
class _Call:
    """A conversation to come.

    Attributes:
        name: for people.
        client: who begins it.
        server: who answers.
        port: a TCP port, or 0 for echoes.
    """

    name: str
    client: End
    server: End
    port: int

    def begin(self, patience: float) -> Talk | None:
        """Begin it; None if nobody answers for so many seconds."""
        try:
            if self.port:
                return Talk.tcp(self.name, self.client, self.server, self.port, patience)
            return Talk.echo(self.name, self.client, self.server)
        except OSError:
            return None


def cuts(world: World, walls: Walls, pace: Pace, names: Collection[str] = ()) -> Outcome:
    """What still carries, each way, of every conversation that was begun before."""
    found = _since_before(world, walls, pace, _named(_everywhere(world), "begun before the walls", names))
    for gate, families in _FAMILIES.items():
        for kind, calls in (("ports", _permitted(world)), ("icmp", _echoes(world))):
            lost = [f"{MAIN} {family}_{one}" for family in families for one in ("any", kind)]
            chosen = _named(calls, f"{gate} lost all {kind}", names)
            found |= _without(world, walls, pace, lost, chosen)
    lost = [f"{table} host_ports" for table in TABLES]
    return found | _without(world, walls, pace, lost, _named(_to_host(world), "the host lost its ports", names))


def _since_before(world: World, walls: Walls, pace: Pace, calls: Sequence[_Call]) -> Outcome:
    if not calls:
        return {}
    world.tear_down()
    with ExitStack() as closing:
        talks, failed = _begun(calls, pace, closing)
        world.load(walls)
        return failed | hear(talks, pace.silence)


def _without(world: World, walls: Walls, pace: Pace, lost: Iterable[str], calls: Sequence[_Call]) -> Outcome:
    """What carries after some sets were emptied."""
    if not calls:
        return {}
    world.load(walls)
    with ExitStack() as closing:
        talks, failed = _begun(calls, pace, closing)
        world.lab.nft("".join(f"flush set inet {one}\n" for one in lost))
        return failed | hear(talks, pace.silence)


def _begun(calls: Sequence[_Call], pace: Pace, closing: ExitStack) -> tuple[list[Talk], Outcome]:
    """Those that could begin, having said something; and those that could not."""
    by_listener: defaultdict[tuple[End, int], list[_Call]] = defaultdict(list)
    for call in calls:
        by_listener[call.server, call.port].append(call)

    def begin(group: Iterable[_Call]) -> list[Talk]:
        return [talk for call in group if (talk := call.begin(pace.silence))]

    with ThreadPoolExecutor() as pool:  # those that nobody answers wait at the same time
        talks = [talk for begun in pool.map(begin, by_listener.values()) for talk in begun]
    for talk in talks:
        closing.callback(talk.close)
    hear(talks, pace.silence)
    known = {talk.name for talk in talks}
    return talks, {call.name: NOT_OPENED for call in calls if call.name not in known}


def _named(calls: Iterable[_Call], case: str, names: Collection[str]) -> list[_Call]:
    told = (replace(call, name=f"{call.name}{CASE}{case}") for call in calls)
    return [call for call in told if not names or call.name in names]


def _everywhere(world: World) -> Iterator[_Call]:
    """Between all places that TCP is tried between, but those that only a rule of somebody's leads to."""
    pairs = {(probe.source, probe.destination) for probe in world.probes if probe.protocol is Protocol.TCP}
    for source, destination in sorted(pairs):
        if not world.stands[destination].answers(source).behind:
            yield _call(world, source, destination, PLAIN_PORT)


def _permitted(world: World) -> Iterator[_Call]:
    for source, destination in _pairs(world):
        port = world.ground.port(source, destination, Protocol.TCP)
        if port and destination != Node.HOST:
            yield _call(world, source, destination, port)


def _echoes(world: World) -> Iterator[_Call]:
    for source, destination in _pairs(world):
        if destination != Node.HOST and world.ground.matrix.cell(source, destination).allows(Protocol.ICMP):
            yield _call(world, source, destination, 0)


def _to_host(world: World) -> Iterator[_Call]:
    for source, destination in _pairs(world):
        if destination == Node.HOST:
            ports = [first for first, _ in world.ground.matrix.cell(source, destination).tcp if first != DNS_PORT]
            yield from (_call(world, source, destination, port) for port in ports[:1])


def _pairs(world: World) -> Iterator[tuple[str, str]]:
    """Cells that are ours to judge; what the host itself opens needs no permission."""
    nodes = [node for node in world.ground.matrix.nodes if node in world.stands]
    for source in nodes:
        for destination in nodes:
            ours = not world.ground.matrix.cell(source, destination).foreign and source != destination
            if ours and source != Node.HOST:
                yield source, destination


def _call(world: World, source: str, destination: str, port: int) -> _Call:
    client = End(world.stands[source].netns, world.stands[source].address)
    name = f"{source} → {destination} {f'tcp/{port}' if port else 'icmp'}"
    return _Call(name, client, world.stands[destination].answers(source), port)
