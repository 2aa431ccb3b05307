"""Does the proof notice? Every mutant judged by its own wall, its own layer, all layers together, and the gate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinvpc.proof.aws.evaluate import Reached, evaluate
from twinvpc.proof.aws.excuses import reason
from twinvpc.proof.aws.graph import AwsGraph
from twinvpc.proof.aws.mutations import Mutant, mutants
from twinvpc.proof.aws.paths import Layer
from twinvpc.proof.aws.places import Place
from twinvpc.proof.aws.wall_gate import notices
from twinvpc.proof.aws.walls import wall
from twinvpc.proof.aws.wiring import Judges, Wiring
from twinvpc.proof.cells import Matrix


@dataclass(frozen=True)
class Verdict:
    """What came of one mutant.

    Attributes:
        mutant: what was done.
        alone: whether its own wall differs: what one list says, whatever stands behind it. Routes have no lists.
        layer: whether the matrix of its layer differs, the other layers open.
        combined: whether the matrix of all layers together differs.
        gate: whether the gate refuses it: a cell of the matrix differs, or what the intent asks of a single list.
        reason: why it is noticed by nobody, where somebody has written that down.
    """

    mutant: Mutant
    alone: bool
    layer: bool
    combined: bool
    gate: bool
    reason: str

    @property
    def unexplained(self) -> bool:
        """Whether nobody notices it, and nobody has said why."""
        return not self.gate and not self.reason


@dataclass(frozen=True)
class Score:
    """Mutants of one layer, counted.

    Attributes:
        layer: the layer.
        tried: how many there are.
        alone: how many change what a single list says.
        together: how many change the layer's matrix, the other layers open.
        combined: how many change the matrix of all layers.
        gate: how many the gate refuses.
        explained: how many of the rest have a written reason.
    """

    layer: Layer
    tried: int
    alone: int
    together: int
    combined: int
    gate: int
    explained: int

    def __str__(self) -> str:
        """`groups: 85 mutants, refused by the gate 73 (…); 12 survive for a written reason, 0 without one`."""
        return (
            f"{self.layer.value}: {self.tried} mutants, refused by the gate {self.gate} "
            f"(seen alone {self.alone}, by the layer {self.together}, by all layers {self.combined}); "
            f"{self.explained} survive for a written reason, {self.tried - self.gate - self.explained} without one"
        )


def campaign(graph: AwsGraph, places: Sequence[Place], intent: Matrix) -> Iterator[Verdict]:
    """Judge every mutant of a graph, one after another.

    Args:
        graph: the VPC as it should be; the gate has nothing to say about it.
        places: the segments.
        intent: what the owner means.
    """
    trial = _Trial(graph, places, intent)
    for mutant in mutants(graph):
        yield trial.of(mutant)


def scores(verdicts: Sequence[Verdict]) -> tuple[Score, ...]:
    """Count, layer by layer."""
    found: list[Score] = []
    for layer in Layer:
        own = [one for one in verdicts if one.mutant.layer is layer]
        counts = (
            sum(one.alone for one in own), sum(one.layer for one in own), sum(one.combined for one in own),
            sum(one.gate for one in own), sum(bool(one.reason) for one in own),
        )  # fmt: skip
        found.append(Score(layer, len(own), *counts))
    return tuple(found)


class _Trial:
    """The sound graph's matrices, to compare with."""

    def __init__(self, graph: AwsGraph, places: Sequence[Place], intent: Matrix) -> None:
        self._graph = graph
        self._places = places
        self._intent = intent
        self._judges = Judges()
        sound = Wiring(graph, self._judges)
        self._walls = {layer: wall(sound, places, layer) for layer in (Layer.GROUPS, Layer.ACLS)}
        self._layers = {layer: evaluate(sound, places, frozenset({layer})) for layer in Layer}
        self._whole = evaluate(sound, places)

    def of(self, mutant: Mutant) -> Verdict:
        """Judge one. What its own wall does not show, no other matrix can."""
        wiring = Wiring(mutant.graph, self._judges)
        before = self._walls.get(mutant.layer)
        after = wall(wiring, self._places, mutant.layer) if before is not None else None
        alone, layer, combined, gate = before != after, False, False, False
        if alone or before is None:
            layer = self._differs(wiring, frozenset({mutant.layer}), self._layers[mutant.layer])
            combined = layer and self._differs(wiring, frozenset(Layer), self._whole)
            gate = combined or (alone and notices(self._intent, wiring, self._places, mutant.layer))
        why = "" if gate else reason(mutant, self._graph, before or {}, after or {})
        return Verdict(mutant, alone, layer, combined, gate, why)

    def _differs(self, wiring: Wiring, layers: frozenset[Layer], sound: Reached) -> bool:
        return evaluate(wiring, self._places, layers).reach != sound.reach
