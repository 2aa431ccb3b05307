"""Breaking a ruleset line by line in the plain lab, and asking packets whether anything came out otherwise."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.mutation.layers import HELD, TOGETHER, Layer, layer_of, opened
from sandbox.mutation.mutants import Mutant, mutants
from sandbox.probe import extras
from sandbox.probe.ground import Ground
from sandbox.probe.lab import Lab
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.policy import nftables, routing
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.cells import Matrix
from twinvpc.proof.expect import Clients, expectations
from twinvpc.proof.intent import matrix
from twinvpc.proof.probes import Probe

Outcome = dict[str, str]
"""What came of each try, by its name."""

_THROUGH = ("open", "arrived", "believed")


@dataclass(frozen=True)
class Result:
    """What packets said of one mutant.

    Attributes:
        mutant: what was broken.
        layer: the layer it was judged in, all others opened.
        changed: a try that came out otherwise there, as `name: was → is`; empty if nothing did.
        opened: whether a try got through there that did not before.
        together: the same as `changed` with every layer in force; None if that was not tried.
    """

    mutant: Mutant
    layer: Layer
    changed: str
    opened: bool
    together: str | None = None


@dataclass(frozen=True)
class Bench:
    """A stack's rules in the lab.

    Attributes:
        lab: where they are loaded.
        ruleset: all three tables.
        rules: routing rules, IPv4.
        rules6: the same for IPv6.
        matrix: the intent.
        probes: every probe of the matrix.
    """

    lab: Lab
    ruleset: str
    rules: tuple[str, ...]
    rules6: tuple[str, ...]
    matrix: Matrix
    probes: tuple[Probe, ...]

    def outcome(self, ruleset: str, layer: Layer, *, beyond: bool) -> Outcome:
        """Load a ruleset with the other layers opened, and try everything.

        Args:
            ruleset: all tables.
            layer: what stays in force.
            beyond: also false sources, fragments, IPv6 and what else no cell says.
        """
        rules, rules6 = (self.rules, self.rules6) if layer.routed else ((), ())
        self.lab.load(opened(ruleset, layer.openings), rules, rules6)
        if beyond:
            ground = Ground(self.lab.stands, {s.name: s.bridge for s in self.lab.segments}, self.matrix, pliable=True)
            return {one.name: one.measured for one in extras.tries(ground)}
        seen = self.lab.measure(self.probes)
        return {str(o.probe): f"open to {o.seen_as}" if o.open else "arrived" if o.arrived else "closed" for o in seen}


def bench(folder: Path, lab: Lab) -> Bench:
    """The `dell` stack of a folder in a lab that was made for its segments."""
    intent = load_stack(folder, "dell")
    stack = intent.stack
    if not isinstance(stack, LibvirtStack):
        raise TypeError("only a libvirt stack has nft rules")
    plan = libvirt_plan(stack, record(intent, Lock()).of("dell"))
    policy, wanted, target = compile_policy(intent), matrix(intent), nftables.Target(plan, stack)
    # A program that only loads a text owns no table; the third one's rules are judged all the same.
    held = nftables.render_held(policy, target).replace("    flags owner\n", "")
    whole = f"{nftables.render(policy, target)}\ntable inet {HELD} {{}}\ndelete table inet {HELD}\n\n{held}"
    own = {name: stand.address for name, stand in lab.stands.items()}
    clients = Clients(own, {s.name: s.router for s in plan.segments}, own["host"])
    probes = tuple(e.probe for e in expectations(wanted, lab.stands, clients))
    return Bench(lab, whole, routing.rules(policy, plan), routing.rules6(plan), wanted, probes)


def run(
    ready: Bench, chosen: Iterable[Mutant] | None = None, tell: Callable[[Result], None] | None = None
) -> list[Result]:
    """Try mutants: each alone in its layer, and those that opened something with all layers in force as well.

    Args:
        ready: the stack in the lab.
        chosen: which mutants; all of them without it.
        tell: called with each result as it comes.

    Raises:
        CommandError: nft refuses a mutant: it would not be a mutant of this policy but no policy.
    """
    sound: dict[tuple[str, bool], Outcome] = {}
    results: list[Result] = []

    def compare(ruleset: str, layer: Layer) -> tuple[str, bool]:
        for beyond in (False, True):
            if (layer.name, beyond) not in sound:
                sound[layer.name, beyond] = ready.outcome(ready.ruleset, layer, beyond=beyond)
            changes = changed(sound[layer.name, beyond], ready.outcome(ruleset, layer, beyond=beyond))
            if changes:
                return changes[0], any(_opens(change) for change in changes)
        return "", False

    for mutant in mutants(ready.ruleset) if chosen is None else chosen:
        layer = layer_of(mutant.line)
        change, opens = compare(mutant.ruleset, layer)
        together = compare(mutant.ruleset, TOGETHER)[0] if opens else None
        results.append(Result(mutant, layer, change, opens, together))
        if tell is not None:
            tell(results[-1])
    return results


def changed(before: Outcome, after: Outcome) -> list[str]:
    """Tries that came out otherwise, those first that got through and did not before."""
    found = [f"{name}: {was} → {after.get(name)}" for name, was in before.items() if after.get(name) != was]
    return sorted(found, key=lambda change: (not _opens(change), change))


def _opens(change: str) -> bool:
    """Whether something got through that did not before; an answer that is lost on its way back opens nothing."""
    was, now = change.rpartition(": ")[2].split(" → ")
    return now.startswith(_THROUGH) and not was.startswith(_THROUGH)
