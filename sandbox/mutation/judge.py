"""Whether packets tell broken walls from sound ones: alone, with every other layer opened, and all together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.mutation.layers import TOGETHER, Layer, layer_of
from sandbox.mutation.mutants import Mutant
from sandbox.mutation.stages import STAGES, Stage, tries
from sandbox.mutation.walls import Walls
from sandbox.mutation.words import LISTENERS, Outcome, opens, silent, telling, untold
from sandbox.mutation.world import World
from sandbox.probe.measure import measure
from sandbox.probe.pace import CALM, CAREFUL, QUICK, Pace
from twinvpc.proof.compare import differences

Sound = Mapping[tuple[Layer, Stage], Outcome]
"""What comes of each stage's tries with sound walls, in each layer."""

_RUNS = 5
"""How often sound walls are measured before nobody believes any more that two runs agree."""


class UnsoundError(Exception):
    """The unbroken walls are not as intended, so nothing can be said of broken ones; the message names what differs."""


@dataclass(frozen=True)
class Change:
    """A try that came out otherwise.

    Attributes:
        name: what was tried.
        was: what came of it with sound walls.
        now: what comes of it.
    """

    name: str
    was: str
    now: str

    @property
    def opens(self) -> bool:
        """Whether it gets through, and did not before."""
        return opens(self.was, self.now)

    def __str__(self) -> str:
        """`public → database tcp/22: closed: silence → open to 10.0.1.201`."""
        return f"{self.name}: {self.was} → {self.now}"


@dataclass(frozen=True)
class Verdict:
    """What packets said of one mutant.

    Attributes:
        mutant: what was broken, without the walls that came of it.
        layer: the layer it was judged in, all others opened.
        alone: what came out otherwise there, by preference something that opened; None if nothing did.
        together: the same with every layer in force.
    """

    mutant: Mutant
    layer: Layer
    alone: Change | None
    together: Change | None

    @property
    def noticed(self) -> bool:
        """Whether packets tell it from sound walls, in its layer or with all of them."""
        return bool(self.alone or self.together)


class Judge:
    """One network in one lab.

    Args:
        place: the network in the lab.
        sound: what is known already of sound walls.
    """

    def __init__(self, place: World, sound: Sound | None = None) -> None:
        self._world = place
        self._walls = place.network.walls
        self._sound = dict(sound or {})

    def of(self, mutant: Mutant) -> Verdict:
        """Judge one: alone in its layer, then with all layers in force.

        What is noticed alone is looked for there by the same tries; what is not, by all of them.

        Raises:
            CommandError: nft refuses it: it would be no mutant of this policy but no policy.
            UnsoundError: sound walls are not steady.
        """
        layer = layer_of(mutant)
        stage, alone = self._differs(mutant.walls, layer, STAGES)
        _, together = self._differs(mutant.walls, TOGETHER, (stage,) if stage else STAGES, {one.name for one in alone})
        return Verdict(replace(mutant, walls=Walls("")), layer, _worst(alone), _worst(together))

    def check(self) -> None:
        """Compare the sound walls with the intent.

        Raises:
            UnsoundError: they differ.
        """
        self._world.load(self._walls)
        expected = {one.probe for one in self._world.expected}
        seen = [one for one in measure(self._world.probes, self._world.stands) if one.probe in expected]
        wrong = [*differences(self._world.expected, seen), *(t for t in tries(self._world, CALM) if not t.right)]
        if wrong:
            raise UnsoundError("the unbroken walls are not as intended:\n" + "\n".join(map(str, wrong)))

    def sound(self, layer: Layer) -> Sound:
        """What comes of every stage with sound walls.

        Raises:
            UnsoundError: it changes from run to run.
        """
        return {(layer, stage): self._before(stage, layer) for stage in STAGES}

    def _differs(
        self, walls: Walls, layer: Layer, stages: Iterable[Stage], names: Collection[str] = ()
    ) -> tuple[Stage | None, list[Change]]:
        """The first stage that shows something, and what; of these names, or of all."""
        for stage in stages:
            before = self._before(stage, layer)
            asked = {name for name in telling(before) if not names or name in names}
            if not asked:
                continue
            found = _changes(before, self._try(walls, layer, stage, QUICK, asked), asked)
            if found and all(silent(one.now) for one in found):
                found = self._again(walls, layer, stage, found)
            if found:
                return stage, found
        return None, []

    def _again(self, walls: Walls, layer: Layer, stage: Stage, found: Sequence[Change]) -> list[Change]:
        """What is still different when it is tried once more, carefully: a busy machine is silent as well."""
        names = {one.name for one in found}
        return _changes(self._before(stage, layer), self._try(walls, layer, stage, CAREFUL, names), names)

    def _before(self, stage: Stage, layer: Layer) -> Outcome:
        """What comes of a stage's tries with sound walls, once two runs agree: by it everything is judged."""
        if (layer, stage) in self._sound:
            return self._sound[layer, stage]
        runs: list[Outcome] = []
        for _ in range(_RUNS):
            runs.append(self._try(self._walls, layer, stage, CAREFUL))
            if runs[-1] in runs[:-1]:
                self._sound[layer, stage] = runs[-1]
                return runs[-1]
        unsteady = "\n".join(map(str, _changes(runs[-2], runs[-1], runs[-1])))
        raise UnsoundError(f"unbroken walls, {layer.name}: no two runs agree; end what else runs here:\n{unsteady}")

    def _try(self, walls: Walls, layer: Layer, stage: Stage, pace: Pace, names: Collection[str] = ()) -> Outcome:
        outcome = stage(self._world, layer.alone(walls), pace, names)
        return untold(outcome) if layer.routed else outcome


def _changes(before: Outcome, after: Outcome, names: Iterable[str]) -> list[Change]:
    """Of these names, and of listeners: where they are deaf nothing else is told."""
    found = (Change(name, before[name], after[name]) for name in {*names, LISTENERS} if name in after)
    return [one for one in found if one.was != one.now]


def _worst(found: Iterable[Change]) -> Change | None:
    """Of what changed, something that opened, if anything did."""
    return min(found, key=lambda one: (not one.opens, one.name), default=None)
