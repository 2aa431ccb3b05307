"""What our part of an `up` costs by itself: starting the processes, and each step on the host.

Run as a program it is the inner half: it does every step once, in the laptop's network, and prints their seconds.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks.figures import Figure
from benchmarks.report import Table
from components.host.render import render
from providers.host.connection import Connection
from providers.host.deploy import Depth
from providers.host.jobs import perform
from providers.host.messages import Request
from providers.host.policy import Policy
from providers.host.session import Outcome, Session, quiet
from sandbox.command import progress, run
from sandbox.dell import World, in_laptop
from sandbox.engine import Engine
from sandbox.paths import ROOT
from sandbox.project import STACK
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import libvirt_plan
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.policy.terms import compile_policy

_STARTS: Mapping[str, tuple[str, ...]] = {
    "Python alone": ("-c", "pass"),
    "`import pulumi_libvirt`, as the bare program": ("-c", "import pulumi_libvirt"),
    "imports of our program": ("-c", "import components.config, components.libvirt.stack"),
    "plugin `twin-host`: imports": ("-c", "import providers.host.server"),
    "its worker: imports, pyinfra among them": ("-c", "import providers.host.worker"),
}
_MODULE = "benchmarks.host_steps"


def tables(world: World, engine: Engine, rounds: int) -> Iterator[Table]:
    """Measure every process start and every step on the host.

    Args:
        world: a sandbox host without our policy; it is left so.
        engine: whose `pulumi` is started.
        rounds: how often.
    """
    starts: dict[str, list[float]] = {}
    steps: dict[str, list[float]] = {}
    for number in range(rounds):
        progress(f"up, parts alone: round {number + 1} of {rounds}")
        starts.setdefault("`pulumi version`", []).append(_seconds(lambda: run(engine.bin / "pulumi", "version")))
        for name, words in _STARTS.items():
            starts.setdefault(name, []).append(_seconds(lambda words=words: run(sys.executable, *words, cwd=ROOT)))
        said = in_laptop(world, sys.executable, "-m", _MODULE, cwd=ROOT)
        for name, seconds in cast("dict[str, float]", json.loads(said)).items():
            steps.setdefault(name, []).append(seconds)
    yield _table("Starting a process", starts)
    yield _table("Steps of the policy on the host", steps)


def _table(title: str, taken: Mapping[str, Sequence[float]]) -> Table:
    return Table(title, ("part", "time"), tuple((name, str(Figure(tuple(all_)))) for name, all_ in taken.items()))


def _seconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


class _Timed(Session):
    """A session that remembers how long each of its steps took."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.round = "first"
        self.laps: dict[str, float] = {}

    def survey(self, depth: Depth, settings: Sequence[str] = (), files: Sequence[str] = ()) -> Mapping[str, str]:
        """As the session does it."""
        started = time.perf_counter()
        answers = super().survey(depth, settings, files)
        self._note(f"survey, {depth}", started)
        return answers

    def run(self, deploy: Callable[..., Any], *arguments: object) -> Outcome:
        """As the session does it."""
        started = time.perf_counter()
        outcome = super().run(deploy, *arguments)
        self._note(deploy.__name__, started)
        return outcome

    def _note(self, step: str, started: float) -> None:
        self.laps[f"{self.round}: {step}"] = time.perf_counter() - started


def measured(root: Path) -> Mapping[str, float]:
    """Seconds of every step of applying, applying again, reading and removing the policy of the stack `dell`.

    Raises:
        HostError: a step failed.
    """
    where, policy = _wanted(root)
    session = _Timed(where)
    session.round = "connecting"
    session.survey("brief", (), ())
    for name, verb in (("first", "apply"), ("again", "apply"), ("refresh", "read"), ("destroy", "remove")):
        session.round = name
        perform(Request(cast("Any", verb), where, policy), session)
    return session.laps


def _wanted(root: Path) -> tuple[Connection, Policy]:
    intent = load_stack(root, STACK)
    stack = intent.stack
    if not isinstance(stack, LibvirtStack):
        raise TypeError("the stack `dell` is a libvirt stack")
    plan = libvirt_plan(stack, read_lock(root).of(STACK))
    rules = render(compile_policy(intent), plan, stack)
    host = stack.host
    policy = Policy(
        ruleset=rules.ruleset,
        held=rules.held,
        routing_rules=tuple(rules.routing_rules),
        bridges=tuple(rules.bridges),
        mark=rules.mark,
        uplinks=tuple(rules.uplinks),
        routing_rules6=tuple(rules.routing_rules6),
        retired_bridges=tuple(rules.retired_bridges),
        blocks=rules.blocks,
        zone=rules.zone,
        zone_policies=rules.zone_policies,
        sysctl=rules.sysctl,
    )
    return Connection(host.address, host.port, host.user, host.key_file, host.known_hosts), policy


if __name__ == "__main__":
    quiet()
    print(json.dumps(measured(ROOT)))
