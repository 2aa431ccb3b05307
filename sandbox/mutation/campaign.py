"""All mutants of a network, in several labs at once."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sandbox.mutation.judge import Judge, Sound, Verdict
from sandbox.mutation.layers import LAYERS, TOGETHER, Layer
from sandbox.mutation.mutants import Mutant, mutants
from sandbox.mutation.stages import Stage
from sandbox.mutation.words import Outcome
from sandbox.mutation.world import world


def campaign(folder: Path, labs: int, every: int = 1) -> Iterator[Verdict]:
    """Judge mutants of a folder's network, each lab in a process of its own.

    Args:
        folder: the network's files.
        labs: how many labs.
        every: only every so many-th mutant.

    Yields:
        Verdicts as they come, in no order.

    Raises:
        UnsoundError: the unbroken walls are not as intended, or not steady.
        CommandError: nft refuses a mutant.
    """
    with world(folder) as place:
        Judge(place).check()
        number = len(list(mutants(place.network.walls)))
    sound: dict[tuple[Layer, Stage], Outcome] = {}
    with ProcessPoolExecutor(labs, initializer=_open, initargs=(folder, sound)) as pool:
        for known in pool.map(_sound, (TOGETHER, *LAYERS)):
            sound |= known
    with ProcessPoolExecutor(labs, initializer=_open, initargs=(folder, sound)) as pool:
        waiting = [pool.submit(_judge, one) for one in range(0, number, every)]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:  # whoever stops half-way waits for what is under way, and for nothing else
            for one in waiting:
                one.cancel()


@dataclass(frozen=True)
class _Seat:
    """What a process of the pool keeps: its lab goes with it."""

    judge: Judge
    mutants: tuple[Mutant, ...]
    closing: ExitStack


_seats: list[_Seat] = []


def _open(folder: Path, sound: Sound) -> None:
    closing = ExitStack()
    place = closing.enter_context(world(folder))
    _seats.append(_Seat(Judge(place, sound), tuple(mutants(place.network.walls)), closing))


def _sound(layer: Layer) -> Sound:
    (seat,) = _seats
    return seat.judge.sound(layer)


def _judge(number: int) -> Verdict:
    (seat,) = _seats
    return seat.judge.of(seat.mutants[number])
